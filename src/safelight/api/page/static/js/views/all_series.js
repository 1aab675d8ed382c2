// All series.
import { html } from "../lib/html.js";

export const AllSeries = () => html`<section class="page"><h1>All series</h1></section>`;
