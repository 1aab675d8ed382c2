// A batch in one line: its frames as a strip of film, its state, when it will be there.
import { html } from "../lib/html.js";
import { Link, batchPath } from "../lib/address.js";
import { count, duration, now, until, when } from "../lib/clock.js";
import { nameOf } from "../store/catalogue.js";
import { ENDED, useBatch } from "../store/batches.js";
import { Inside } from "./frame.js";

const MOST = 8;

export const stateWords = (batch) => {
  const { stored, failed, canceled } = batch.counts;
  const all = `${stored} of ${batch.quantity}`;
  switch (batch.status) {
    case "completed":
      return count(batch.quantity, "picture");
    case "queued":
      return batch.held ? "held" : "waiting";
    default:
      return [`${all} done`, failed && `${failed} failed`, canceled && `${canceled} canceled`].filter(Boolean).join(", ");
  }
};

export const etaWords = (batch) => {
  if (ENDED.has(batch.status) || !batch.eta) return "";
  const left = until(batch.eta, now.value);
  return left < 1 ? "any moment" : `${duration(left)} left`;
};

export const Strip = ({ id }) => {
  const { batch } = useBatch(id);
  if (!batch) return html`<div class="strip empty"></div>`;
  const name = nameOf(batch.character);
  return html`<article class=${`strip ${batch.status}`}>
    <${Link} to=${batchPath(id)} class="film" aria-label=${`${name}, ${stateWords(batch)}, open`}>
      ${batch.images.slice(0, MOST).map(
        (image) => html`<span key=${image.id} class=${`cell ${image.status}`}><${Inside} image=${image} character=${batch.character} width=${160} /><i>${image.index}</i></span>`,
      )}
      ${batch.images.length > MOST && html`<span class="cell more">+${batch.images.length - MOST}</span>`}
    <//>
    <p class="about"><b>${name}</b> <span class="quiet">for ${batch.user}</span> <span class="prompt">${batch.prompt}</span></p>
    <p class="state">${stateWords(batch)} <span class="quiet">${etaWords(batch) || when(batch.created_at)}</span></p>
  </article>`;
};
