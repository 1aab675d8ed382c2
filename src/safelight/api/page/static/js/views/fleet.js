// The render servers.
import { html } from "../lib/html.js";

export const Fleet = () => html`<section class="page"><h1>The render servers</h1></section>`;
