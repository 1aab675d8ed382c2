// Characters.
import { html } from "../lib/html.js";

export const Characters = () => html`<section class="page"><h1>Characters</h1></section>`;
