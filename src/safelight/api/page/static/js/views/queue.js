// All batches: what is in the works as film, what is done in lines.
import { html, useEffect, useMemo, useState } from "../lib/html.js";
import { Link, batchPath, go, here } from "../lib/address.js";
import { query } from "../lib/api.js";
import { count, fully, when } from "../lib/clock.js";
import { slip } from "../lib/say.js";
import { Sure } from "../parts/dialog.js";
import { Choice } from "../parts/choice.js";
import { Field } from "../parts/field.js";
import { More } from "../parts/more.js";
import { Thumbnail } from "../parts/picture.js";
import { Strip, stateWords } from "../parts/strip.js";
import { useTyped } from "../parts/typed.js";
import { isThere, useBatch } from "../store/batches.js";
import { nameOf, useCharacters } from "../store/catalogue.js";
import { cancelBatch, retryBatch } from "../store/deeds.js";
import { STATES, openQueue } from "../store/queue.js";
import { Bar } from "./batch.js";

const STRIPS = 12; // shown before somebody asks for more: each is read again every few seconds

const filterOf = ({ query: said }) => ({
  state: Object.hasOwn(STATES, said.get("state") ?? "") ? said.get("state") : "all",
  user: said.get("user") ?? "",
  character: said.get("character") ?? "",
});

const lookAt = (filter) => go(`queue${query({ ...filter, state: filter.state === "all" ? "" : filter.state })}`, { replace: true, keepScroll: true });

const Filters = ({ filter, characters }) => {
  const [user, setUser] = useTyped(filter.user, (text) => lookAt({ ...filter, user: text }));
  const options = [["", "every character"], ...(characters ?? []).map((one) => [one.id, one.name || one.id])];
  return html`<form class="filters" role="search" aria-label="Batches" onSubmit=${(event) => event.preventDefault()}>
    <fieldset class="tabs">
      <legend class="unseen">Which</legend>
      ${Object.entries(STATES).map(
        ([state, { name }]) => html`<label key=${state}><input type="radio" name="state" checked=${filter.state === state} onChange=${() => lookAt({ ...filter, state })} /><span>${name}</span></label>`,
      )}
    </fieldset>
    <${Field} label="For" value=${user} onInput=${setUser} placeholder="everybody" autocomplete="off" spellcheck=${false} maxlength=${64} />
    <${Choice} label="Of" value=${filter.character} options=${options} onChange=${(character) => lookAt({ ...filter, character })} />
  </form>`;
};

const Work = ({ id, onCancel }) => {
  const { batch } = useBatch(id);
  return html`<li class="work">
    <${Strip} id=${id} />
    ${batch && html`<div class="row">
      <${Bar} batch=${batch} />
      <button type="button" class="small" aria-label=${`Cancel what is left of ${nameOf(batch.character)} for ${batch.user}`} onClick=${() => onCancel(batch)}>Cancel</button>
    </div>
    ${batch.held && html`<p class="wrong">Waits: ${batch.held}</p>`}`}
  </li>`;
};

const Works = ({ batches, further, onCancel }) => {
  const [most, setMost] = useState(STRIPS);
  const rest = batches.length - most;
  return html`<section aria-labelledby="works">
    <h2 id="works">In the works ${batches.length > 0 && html`<small class="quiet">${batches.length}</small>`}</h2>
    ${!batches.length && html`<p class="quiet">Nothing is waiting, nothing is being drawn. <${Link} to="">Order pictures<//></p>`}
    <ul class="works">${batches.slice(0, most).map((one) => html`<${Work} key=${one.id} id=${one.id} onCancel=${onCancel} />`)}</ul>
    ${rest > 0 && html`<button type="button" onClick=${() => setMost(most + STRIPS)}>Show ${Math.min(rest, STRIPS)} more of ${rest}</button>`}
    ${rest <= 0 && further && html`<p class="quiet">More wait behind these.</p>`}
  </section>`;
};

const Done = ({ batch, onRetried }) => {
  const face = batch.images.find(isThere);
  const again = async () => {
    const answer = await retryBatch(batch.id);
    if (!answer) return;
    slip(`${count(batch.counts.failed, "picture")} of ${nameOf(batch.character)} ${batch.counts.failed === 1 ? "is" : "are"} tried again`);
    onRetried(answer);
  };
  return html`<li class=${`done ${batch.status}`}>
    <${Link} to=${batchPath(batch.id)}>
      <span class="cell">${face && html`<${Thumbnail} id=${face.id} alt="" width=${160} />`}</span>
      <b>${nameOf(batch.character)}</b>
      <span class="quiet who">for ${batch.user}</span>
      <span class="prompt">${batch.prompt}</span>
      <span class="state">${batch.status === "canceled" ? "canceled" : stateWords(batch)}</span>
      <time class="quiet" datetime=${batch.created_at} title=${fully(batch.created_at)}>${when(batch.created_at)}</time>
    <//>
    ${batch.counts.failed > 0 && html`<button type="button" class="small" onClick=${again} aria-label=${`Try ${count(batch.counts.failed, "failed picture")} of ${nameOf(batch.character)} again`}>Try again</button>`}
  </li>`;
};

export const Queue = () => {
  const filter = filterOf(here.value);
  const characters = useCharacters();
  const queue = useMemo(() => openQueue(filter), [filter.state, filter.user, filter.character]);
  useEffect(() => queue.close, [queue]);
  const [asking, setAsking] = useState(null);
  const { open, done, more, further } = queue.shown.value;
  const cancel = async () => {
    const answer = await cancelBatch(asking.id);
    if (answer) queue.put(answer);
  };
  const reading = open === null && done === null;
  return html`<section class="queue page" aria-busy=${reading ? "true" : undefined}>
    <h1>Queue</h1>
    <${Filters} filter=${filter} characters=${characters} />
    ${open && html`<${Works} batches=${open} further=${further} onCancel=${setAsking} />`}
    ${done && html`<section aria-labelledby="done">
      <h2 id="done">Done</h2>
      ${!done.length && !more && html`<p class="quiet">${filter.state === "failed" ? "Nothing has failed." : "Nothing yet."}${(filter.user || filter.character) && html` <${Link} to="queue">Look at everybody’s<//>`}</p>`}
      <ul class="dones">${done.map((one) => html`<${Done} key=${one.id} batch=${one} onRetried=${queue.put} />`)}</ul>
      ${more && html`<${More} key=${done.length} onMore=${queue.more} words="Show older ones" />`}
    </section>`}
    ${asking && html`<${Sure} question=${`Cancel what is left of ${nameOf(asking.character)} for ${asking.user}?`} yes="Cancel it" onYes=${cancel} onClose=${() => setAsking(null)} />`}
  </section>`;
};
