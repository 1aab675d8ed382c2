// One numbered slot: waiting, developing, there, or the reason why not.
import { html } from "../lib/html.js";
import { duration, now, ordinal, since, until } from "../lib/clock.js";
import { progress } from "../lib/live.js";
import { isThere } from "../store/batches.js";
import { doomed, retryImage } from "../store/deeds.js";
import { nameOf } from "../store/catalogue.js";
import { Latent } from "./latent.js";
import { Marks } from "./marks.js";
import { Thumbnail } from "./picture.js";
import { Ring } from "./ring.js";

const BLUR = 14; // px at the first step

/** What a picture is, for who cannot see it. */
export const inWords = (image, character) => {
  const name = `Picture ${image.index} of ${nameOf(character)}`;
  if (image.deleted_at) return `${name}, deleted`;
  return `${name}, ${{ stored: "done", dispatched: "developing", queued: "waiting", failed: "failed", canceled: "canceled" }[image.status]}`;
};

const Waiting = ({ image }) => {
  const place = image.place ? (image.place === 1 ? "next in line" : `${ordinal(image.place)} in line`) : "waiting";
  return html`<span class="waiting">
    <b>${image.held ? "held" : place}</b>
    ${image.held ? html`<small>${image.held}</small>` : image.eta && html`<small>in about ${duration(until(image.eta, now.value))}</small>`}
  </span>`;
};

const Developing = ({ image }) => {
  const now_ = progress.value.get(image.id);
  const part = now_?.steps ? now_.step / now_.steps : 0;
  const seconds = image.dispatched_at ? Math.floor(since(image.dispatched_at, now.value)) : 0;
  const sharp = { filter: `blur(${((1 - part) * BLUR).toFixed(1)}px)` };
  return html`<span class="developing">
    <span class="latent" style=${sharp}><${Latent} id=${image.id} /></span>
    <span class="meter">
      <${Ring} part=${part}>${now_?.steps ? `${now_.step}/${now_.steps}` : ""}<//>
      <small>${now_ ? `${seconds} s` : "sent"}</small>
    </span>
  </span>`;
};

const Failed = ({ image }) =>
  html`<span class="failed"><b>failed</b><small>${image.error?.detail ?? "no reason was given"}</small></span>`;

const Nothing = ({ words }) => html`<span class="nothing">${words}</span>`;

/** What is inside a slot. */
export const Inside = ({ image, character, width = 320, eager }) => {
  if (image.deleted_at) return html`<${Nothing} words="deleted" />`;
  if (doomed.value.has(image.id)) return html`<${Nothing} words="deleted, undo below" />`;
  switch (image.status) {
    case "stored":
      return html`<${Thumbnail} id=${image.id} alt=${inWords(image, character)} width=${width} eager=${eager} under=${html`<${Latent} id=${image.id} developing=${false} />`} />`;
    case "dispatched":
      return html`<${Developing} image=${image} />`;
    case "failed":
      return html`<${Failed} image=${image} />`;
    case "canceled":
      return html`<${Nothing} words="canceled" />`;
    default:
      return html`<${Waiting} image=${image} />`;
  }
};

/**
 * A slot with its caption. The picture itself is the button.
 * @param {{image: object, character: string, onOpen: (image: object) => void, children?: any}} shown
 */
export const Frame = ({ image, character, width, onOpen, eager, children }) => {
  const inside = html`<${Inside} image=${image} character=${character} width=${width} eager=${eager} />`;
  return html`<li class=${`frame ${image.status}${image.deleted_at ? " hole" : ""}`} data-index=${image.index} data-id=${image.id}>
    ${isThere(image)
      ? html`<button type="button" class="shot" aria-label=${inWords(image, character)} onClick=${(event) => onOpen(image, event)}>${inside}</button>`
      : html`<div class="shot">${inside}</div>`}
    <div class="rebate">
      <span class="number">${image.index}</span>
      ${image.starred_at && html`<span class="starred" title="starred"><span aria-hidden="true">★</span><span class="unseen">starred</span></span>`}
      <${Marks} publications=${image.publications} />
      <span class="deeds">
        ${image.status === "failed" && !image.deleted_at &&
        html`<button type="button" class="small" onClick=${() => retryImage(image.id)} aria-label=${`Try picture ${image.index} again`}>Try again</button>`}
        ${children}
      </span>
    </div>
  </li>`;
};
