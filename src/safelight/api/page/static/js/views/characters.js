// Characters: who can be drawn. They are viewed by all, and kept by administrators.
import { html, useEffect } from "../lib/html.js";
import { Link, characterPath, go, here } from "../lib/address.js";
import { query } from "../lib/api.js";
import { count } from "../lib/clock.js";
import { listen } from "../lib/live.js";
import { Face } from "../parts/face.js";
import { admin } from "../parts/only.js";
import { readCharacters, useCharacters } from "../store/catalogue.js";
import { change } from "../store/order.js";
import { loraLines } from "../store/typed.js";
import { CharacterForm } from "./character_form.js";

const PACE = 3000; // ms between two readings while pictures arrive

/** The characters, as new as what has been drawn. */
const useFresh = () => {
  const list = useCharacters();
  useEffect(() => {
    let timer = 0;
    const read = () => {
      timer = 0;
      readCharacters().catch(() => {}); // what is known goes on being shown
    };
    if (list) read();
    const deaf = listen((event) => (!event || event.type === "image.stored") && (timer ||= setTimeout(read, event ? PACE : 0)));
    return () => {
      deaf();
      clearTimeout(timer);
    };
  }, []);
  return list;
};

const All = ({ list }) =>
  html`<section class="people page">
    <header class="row"><h1>Characters</h1>${admin() && html`<${Link} class="button" to="characters?new">Add a character<//>`}</header>
    ${!list && html`<p class="quiet" aria-busy="true">…</p>`}
    ${list?.length === 0 && html`<p>There is none yet. ${admin() ? "Add the first one above, or write it into safelight.toml." : "An administrator adds them."}</p>`}
    <ul class="cards">${list?.map(
      (one) => html`<li key=${one.id}><${Link} class="card" to=${characterPath(one.id)}>
        <${Face} one=${one} /><span class="name clamped">${one.name || one.id}</span>
      <//></li>`,
    )}</ul>
  </section>`;

const FACTS = [
  ...[["prompt", "Prompt"], ["negative_prompt", "Without"], ["style", "Style"], ["workflow", "Workflow"], ["embedding", "Embedding"]],
  ...[["width", "Width"], ["height", "Height"], ["steps", "Steps"], ["cfg", "Guidance"], ["sampler", "Sampler"], ["scheduler", "Scheduler"]],
];

/** Who may only look at it, or looks at one that stands in the settings. */
const Viewed = ({ one }) =>
  html`<p class="quiet">${one.read_only ? html`This one stands in <code>safelight.toml</code>, under <code>[characters.${one.id}]</code>, and is changed there.` : "An administrator may change it."}</p>
    <dl class="told">
      ${FACTS.filter(([name]) => one[name] !== null && one[name] !== "").map(([name, label]) => html`<div key=${name}><dt>${label}</dt><dd>${one[name]}</dd></div>`)}
      ${one.loras.length > 0 && html`<div><dt>${count(one.loras.length, "LoRA")}</dt><dd>${loraLines(one.loras).join(", ")}</dd></div>`}
    </dl>`;

const One = ({ one }) => {
  const order = () => {
    change({ character: one.id });
    go("");
  };
  return html`<section class="people page">
    <header class="person">
      <${Face} one=${one} />
      <div><h1>${one.name || one.id}</h1><p class="quiet"><code>${one.id}</code></p>
        <p class="row"><button type="button" class="strong" onClick=${order}>Order pictures</button>
          <${Link} class="button" to=${`queue${query({ character: one.id })}`}>Batches<//><${Link} class="button" to="characters">All characters<//></p></div>
    </header>
    ${admin() && !one.read_only ? html`<${CharacterForm} key=${one.id} kept=${one} />` : html`<${Viewed} one=${one} />`}
  </section>`;
};

const New = () =>
  html`<section class="people page"><h1>A new character</h1>
    ${admin() ? html`<${CharacterForm} key="new" kept=${null} />` : html`<p>Characters are added with an administrator’s key.</p>`}
  </section>`;

export const Characters = ({ id }) => {
  const list = useFresh();
  const one = list?.find((found) => found.id === id);
  const title = one?.name;
  useEffect(() => {
    if (title) document.title = `${title} · Safelight`;
  }, [title]);
  if (id === undefined) return here.value.query.has("new") ? html`<${New} />` : html`<${All} list=${list} />`;
  if (one) return html`<${One} one=${one} />`;
  if (!list) return html`<section class="people page" aria-busy="true"></section>`;
  return html`<section class="people page"><h1>No such character</h1><p>It was deleted, or was never kept. Its pictures stay. <${Link} to="characters">All characters<//></p></section>`;
};
