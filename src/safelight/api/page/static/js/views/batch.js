// A batch, developing: all its numbered slots from the first moment on.
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Link, batchPath, go, here, seriesPath } from "../lib/address.js";
import { zipUrl } from "../lib/api.js";
import { fully } from "../lib/clock.js";
import { say } from "../lib/say.js";
import { Sure } from "../parts/dialog.js";
import { Frame } from "../parts/frame.js";
import { etaWords, stateWords } from "../parts/strip.js";
import { ENDED, OPEN, isThere, readBatch, useBatch } from "../store/batches.js";
import { nameOf, useCharacters } from "../store/catalogue.js";
import { cancelBatch, cancelImage, doomed, retryBatch } from "../store/deeds.js";
import { likeThis } from "../store/order.js";
import { useShape } from "../store/shape.js";
import { Lightbox } from "./lightbox.js";

const LONG = 400; // letters of a prompt that may have to be scrolled
const TOLD = 10; // percent between two announcements

export const Bar = ({ batch }) => {
  const parts = [["stored", batch.counts.stored], ["failed", batch.counts.failed], ["canceled", batch.counts.canceled]];
  return html`<div class="progress" role="progressbar" aria-valuemin="0" aria-valuemax=${batch.quantity}
    aria-valuenow=${batch.counts.stored} aria-label="Pictures done">
    ${parts.map(([kind, number]) => number > 0 && html`<span key=${kind} class=${kind} style=${{ width: `${(100 * number) / batch.quantity}%` }}></span>`)}
  </div>`;
};

/** What happened, in words, not oftener than every tenth of the way. */
const useTold = (batch) => {
  const before = useRef(null);
  useEffect(() => {
    if (!batch) return;
    const part = Math.floor((100 * batch.counts.stored) / batch.quantity / TOLD);
    const now = `${batch.status} ${part} ${batch.counts.failed}`;
    if (before.current !== null && before.current !== now)
      say(`${stateWords(batch)}${batch.status === "completed" ? ", all done" : ""}`);
    before.current = now;
  }, [batch]);
};

const Deeds = ({ batch, onCancel }) => {
  const open = batch.images.some((one) => OPEN.has(one.status));
  const stored = batch.images.filter(isThere);
  const again = () => {
    likeThis(batch);
    go("");
  };
  return html`<div class="row deeds">
    ${open && html`<button type="button" onClick=${onCancel}>Cancel what is left</button>`}
    ${batch.counts.failed > 0 && html`<button type="button" class="strong" onClick=${() => retryBatch(batch.id)}>Try ${batch.counts.failed} failed again</button>`}
    ${stored.length > 0 && html`<a class="button" download href=${zipUrl(batch.user, batch.character, stored.map((one) => one.index).join(","))}>Download ${stored.length > 1 ? `all ${stored.length}` : "it"}</a>`}
    <button type="button" onClick=${again}>Order more like this</button>
    <${Link} class="button" to=${seriesPath(batch.user, batch.character)}>Contact sheet<//>
  </div>`;
};

const columnsOf = (quantity) => (quantity <= 4 ? Math.max(quantity, 2) : quantity <= 6 ? 3 : quantity <= 16 ? 4 : 6);

/** Pictures of a batch, as the large view leafs through them. */
const rollOf = (batch, without) => {
  const shown = batch.images.filter((one) => isThere(one) && !without.has(one.id));
  return { length: shown.length, at: (position) => shown[position] ?? null, positionOf: (index) => shown.findIndex((one) => one.index === index) };
};

const Shown = ({ batch }) => {
  const shape = useShape(batch);
  const [asking, setAsking] = useState(false);
  useTold(batch);
  const name = nameOf(batch.character);
  useEffect(() => {
    document.title = `${batch.counts.stored}/${batch.quantity} ${name} · Safelight`;
  }, [batch, name]);
  const roll = useMemo(() => rollOf(batch, doomed.value), [batch, doomed.value]);
  const large = Number(here.value.hash) || null;
  const show = (index) => go(batchPath(batch.id, index), { replace: large !== null, keepScroll: true });
  const close = () => go(batchPath(batch.id), { replace: true, keepScroll: true });
  return html`<section class="batch page">
    <header>
      <h1>${name} <small class="quiet">for ${batch.user}</small></h1>
      ${batch.prompt && html`<p class="prompt" tabindex=${batch.prompt.length > LONG ? 0 : undefined}>${batch.prompt}</p>`}
      <div class="how">
        <${Bar} batch=${batch} />
        <p><b>${stateWords(batch)}</b> <span class="quiet">${etaWords(batch) || (ENDED.has(batch.status) ? fully(batch.ended_at) : "")}</span></p>
        ${batch.held && html`<p class="wrong">Waits: ${batch.held}</p>`}
      </div>
      <${Deeds} batch=${batch} onCancel=${() => setAsking(true)} />
    </header>
    ${shape && html`<ol class="frames" style=${{ "--shape": shape, "--columns": columnsOf(batch.quantity) }} aria-label="Pictures">
      ${batch.images.map(
        (image) => html`<${Frame} key=${image.id} image=${image} character=${batch.character} width=${640} eager onOpen=${() => show(image.index)}>
          ${OPEN.has(image.status) && html`<button type="button" class="plain small" aria-label=${`Cancel picture ${image.index}`} title="Cancel" onClick=${() => cancelImage(image.id)}>✕</button>`}
        <//>`,
      )}
    </ol>`}
    ${large !== null && roll.positionOf(large) >= 0 && html`<${Lightbox} roll=${roll} index=${large} character=${batch.character} onIndex=${show} onClose=${close} onGone=${() => readBatch(batch.id)} />`}
    ${asking && html`<${Sure} question="Cancel the pictures that are not done?" yes="Cancel them" onYes=${() => cancelBatch(batch.id)} onClose=${() => setAsking(false)} />`}
  </section>`;
};

export const BatchView = ({ id }) => {
  const { batch, problem } = useBatch(id);
  useCharacters();
  if (batch) return html`<${Shown} batch=${batch} />`;
  if (problem)
    return html`<section class="page"><h1>${problem.status === 404 ? "No such batch" : "Not now"}</h1><p>${problem.message}</p><p><${Link} to="queue">All batches<//></p></section>`;
  return html`<section class="batch page" aria-busy="true"></section>`;
};
