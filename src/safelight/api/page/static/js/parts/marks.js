// Marks of copies: which publisher has the picture, which is waiting, which has given up.
import { html } from "../lib/html.js";

const SIGN = { uploaded: "✓", pending: "…", failed: "✕", removed: "–" };

export const markWords = ({ publisher, status, reason, removed }) =>
  `${publisher}: ${removed ? "taken away" : status}${reason ? `, ${reason}` : ""}`;

export const Marks = ({ publications }) =>
  publications.length > 0 &&
  html`<ul class="marks" aria-label="Copies">
    ${publications.map(
      (one) => html`<li key=${one.publisher} class=${`mark ${one.status}`} title=${markWords(one)}>
        <span aria-hidden="true">${SIGN[one.removed ? "removed" : one.status]}</span>
        <span class="unseen">${markWords(one)}</span>
      </li>`,
    )}
  </ul>`;
