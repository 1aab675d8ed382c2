// The page: begins here.
import { render } from "preact";
import { html } from "htm/preact";
import { signal } from "@preact/signals";

const title = signal("Safelight");

render(html`<h1>${title}</h1>`, document.getElementById("app"));
