// A ring that fills with the steps of a rendering.
import { html } from "../lib/html.js";

const AROUND = 2 * Math.PI * 15;

export const Ring = ({ part, children }) =>
  html`<span class="ring">
    <svg viewBox="0 0 36 36" aria-hidden="true">
      <circle class="all" cx="18" cy="18" r="15" />
      <circle class="done" cx="18" cy="18" r="15" stroke-dasharray=${`${AROUND * part} ${AROUND}`} />
    </svg>
    <span class="inside">${children}</span>
  </span>`;
