import { html } from "../lib/html.js";
export const Lightbox = () => html``;
