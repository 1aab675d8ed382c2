// Who it is: the newest picture of a character, or the letter its name begins with.
import { html } from "../lib/html.js";
import { thumbnailUrl } from "../lib/api.js";
import { faces } from "../store/catalogue.js";

/** @param {{one: {id: string, name: string}}} shown */
export const Face = ({ one }) =>
  html`<span class="face">${faces.value.has(one.id)
    ? html`<img src=${thumbnailUrl(faces.value.get(one.id), 320)} alt="" loading="lazy" />`
    : html`<i aria-hidden="true">${(one.name || one.id).slice(0, 1)}</i>`}</span>`;
