// Workflows.
import { html } from "../lib/html.js";

export const Workflows = () => html`<section class="page"><h1>Workflows</h1></section>`;
