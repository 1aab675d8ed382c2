// The contact sheet of a series.
import { html } from "../lib/html.js";

export const Sheet = () => html`<section class="page"><h1>The contact sheet of a series</h1></section>`;
