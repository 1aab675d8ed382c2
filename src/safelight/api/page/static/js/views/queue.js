// All batches.
import { html } from "../lib/html.js";

export const Queue = () => html`<section class="page"><h1>All batches</h1></section>`;
