// The render servers, what they draw now, and where copies go.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Link, batchPath, segments } from "../lib/address.js";
import { get, post } from "../lib/api.js";
import { count, duration, fully, now, until, when } from "../lib/clock.js";
import { listen } from "../lib/live.js";
import { slip, trying } from "../lib/say.js";
import { Inside } from "../parts/frame.js";
import { OnlyAdmins, admin } from "../parts/only.js";
import { nameOf, useCharacters } from "../store/catalogue.js";

const PAUSE = 4000; // ms between two looks
const PACE = 500; // ms between an event and the look it leads to

const WORDS = {
  ready: "Takes pictures.",
  resting: "Rests after trouble.",
  unreachable: "Does not answer. What it had is drawn elsewhere.",
  draining: "Takes nothing more.",
  unknown: "Nobody drives it.",
};

const stateOf = ({ state, reason }) => (state === "ready" && reason?.startsWith("slow") ? "slow" : state);

/** A list of the API while it is shown, read again every few seconds and when something happens. */
const useList = (path) => {
  const [list, setList] = useState({ data: null, problem: null });
  const again = useRef(() => {});
  useEffect(() => {
    let timer = 0;
    let over = false;
    let soon = false;
    const read = async () => {
      soon = false;
      clearTimeout(timer);
      if (document.visibilityState === "visible")
        await get(path).then(
          ({ data }) => over || setList({ data, problem: null }),
          (problem) => over || setList((before) => ({ ...before, problem })),
        );
      if (over) return;
      clearTimeout(timer);
      timer = setTimeout(read, PAUSE);
    };
    again.current = read;
    const heard = () => {
      if (soon) return;
      soon = true;
      clearTimeout(timer);
      timer = setTimeout(read, PACE);
    };
    const deaf = listen(heard);
    document.addEventListener("visibilitychange", heard);
    read();
    return () => {
      over = true;
      deaf();
      document.removeEventListener("visibilitychange", heard);
      clearTimeout(timer);
    };
  }, [path]);
  return { ...list, again: () => again.current() };
};

const Now = ({ one }) => {
  const image = { id: one.image, index: one.index, status: "dispatched", dispatched_at: one.since };
  const name = nameOf(one.character);
  return html`<li>
    <${Link} to=${batchPath(one.batch)} class="cell" aria-label=${`Picture ${one.index} of ${name} for ${one.user}, its batch`}>
      <${Inside} image=${image} character=${one.character} width=${320} /><i>${one.index}</i>
    <//>
    <p><b>${name}</b> <span class="quiet">for ${one.user}</span></p>
  </li>`;
};

const speed = (seconds) => (seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds));

const Fact = ({ name, long, children }) => html`<div class=${long ? "long" : ""}><dt>${name}</dt><dd>${children}</dd></div>`;

const Backend = ({ one, again }) => {
  const [busy, setBusy] = useState(false);
  const state = stateOf(one);
  const act = async (deed, words) => {
    setBusy(true);
    await trying(async () => {
      await post(`v1/backends/${segments(one.name, deed)}`);
      slip(words);
      await again();
    });
    setBusy(false);
  };
  const drawing = one.drawing ?? [];
  const title = `backend-${one.name}`;
  return html`<article class=${`backend ${state}`} aria-labelledby=${title}>
    <header class="row">
      <h2 id=${title}>${one.name}</h2>
      <span class="badge">${state}</span>
      ${state === "draining"
        ? html`<button type="button" disabled=${busy} onClick=${() => act("resume", `${one.name} takes pictures again`)}>Resume</button>`
        : html`<button type="button" disabled=${busy} title="It ends what it has and takes nothing more" onClick=${() => act("drain", `${one.name} ends what it has and takes nothing more`)}>Drain</button>
          ${["resting", "unreachable"].includes(state) && html`<button type="button" disabled=${busy} onClick=${() => act("resume", `${one.name} is believed again`)}>Resume</button>`}`}
    </header>
    <p>${WORDS[one.state] ?? ""} ${one.reason && html`<span class=${state === "draining" ? "quiet" : "wrong"}>${one.reason[0].toUpperCase() + one.reason.slice(1)}.</span>`}
      ${one.until && html` <span class="quiet">Looked at again ${until(one.until, now.value) < 1 ? "now" : `in ${duration(until(one.until, now.value))}`}.</span>`}</p>
    ${drawing.length > 0 && html`<ul class="now" aria-label=${`What ${one.name} draws`}>${drawing.map((drawn) => html`<${Now} key=${drawn.image} one=${drawn} />`)}</ul>`}
    ${!drawing.length && html`<p class="quiet">${one.running ? `${count(one.running, "picture")} there` : "Draws nothing now."}</p>`}
    <dl class="facts">
      <${Fact} name="Pool">${one.pool}<//>
      <${Fact} name="Speed">${one.seconds_per_image ? `about ${speed(one.seconds_per_image)} s a picture` : "not known yet"}<//>
      <${Fact} name="Slots">${one.slots}<//>
      <${Fact} name="Seen">${one.seen_at ? html`<time title=${fully(one.seen_at)}>${when(one.seen_at)}</time>` : "never"}<//>
      <${Fact} name="Address" long><code>${one.url}</code><//>
      ${one.worker && html`<${Fact} name="Driven by" long><code>${one.worker}</code><//>`}
      ${one.ghosts > 0 && html`<${Fact} name="Ghosts" long>${count(one.ghosts, "prompt")} that nobody waited for, cancelled there in the last day<//>`}
      ${one.shares_output_with.length > 0 && html`<${Fact} name="Shares its folder" long>with ${one.shares_output_with.join(", ")}<//>`}
    </dl>
  </article>`;
};

const Publisher = ({ one, again }) => {
  const retry = () =>
    trying(async () => {
      const { asked } = await post(`v1/publishers/${segments(one.name)}/retry`);
      slip(asked ? `${count(asked, "copy", "copies")} to ${one.name} ${asked === 1 ? "is" : "are"} tried again` : "No copy has failed any more");
      again();
    });
  return html`<tr>
    <th scope="row">${one.name}${!one.configured && one.pending > 0 && html` <small class="wrong">not in the settings, its copies wait</small>`}</th>
    <td class="number">${one.uploaded.toLocaleString("en")}</td>
    <td class="number">${one.pending.toLocaleString("en")}${one.oldest_pending_at && html` <small class="quiet">oldest ${when(one.oldest_pending_at)}</small>`}</td>
    <td><span class=${one.failed ? "number wrong" : "number"}>${one.failed.toLocaleString("en")}</span>${one.reason && html` <small class="reason">${one.reason}</small>`}</td>
    <td>${one.failed > 0 && html`<button type="button" class="small" onClick=${retry}>Try failed copies again</button>`}</td>
  </tr>`;
};

const Publishers = () => {
  const { data, again } = useList("v1/publishers");
  if (!data) return null;
  return html`<section aria-labelledby="publishers">
    <h2 id="publishers">Copies</h2>
    ${data.length
      ? html`<div class="wide-table" tabindex="0" role="region" aria-labelledby="publishers"><table>
          <thead><tr><th scope="col">Publisher</th><th scope="col">Uploaded</th><th scope="col">Waiting</th><th scope="col">Failed</th><td></td></tr></thead>
          <tbody>${data.map((one) => html`<${Publisher} key=${one.name} one=${one} again=${again} />`)}</tbody>
        </table></div>`
      : html`<p class="quiet">Pictures are kept here and copied nowhere. A publisher is set up in safelight.toml.</p>`}
  </section>`;
};

const Backends = () => {
  useCharacters();
  const { data, problem, again } = useList("v1/backends");
  if (!data) return problem ? html`<p class="wrong">${problem.message}</p>` : html`<p class="quiet" aria-busy="true">…</p>`;
  if (!data.length) return html`<p>There is no backend. Add one to safelight.toml, under <code>[[backends]]</code>.</p>`;
  return html`<p class="quiet lead">Drain lets a server end what it has and gives it nothing more, before an update or a rest. Resume gives it pictures again.</p>
    <div class="backends">${data.map((one) => html`<${Backend} key=${one.name} one=${one} again=${again} />`)}</div>`;
};

export const Fleet = () => {
  if (!admin()) return html`<${OnlyAdmins} title="Fleet" what="The render servers can be seen" />`;
  return html`<section class="fleet page">
    <h1>Fleet</h1>
    <${Backends} />
    <${Publishers} />
  </section>`;
};
