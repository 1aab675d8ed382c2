// All series one may see: each a sheet of its own.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Link, go, here, seriesPath } from "../lib/address.js";
import { get, query } from "../lib/api.js";
import { count, eventually, when } from "../lib/clock.js";
import { listen } from "../lib/live.js";
import { complain } from "../lib/say.js";
import { Choice } from "../parts/choice.js";
import { Field } from "../parts/field.js";
import { More } from "../parts/more.js";
import { Thumbnail } from "../parts/picture.js";
import { useTyped } from "../parts/typed.js";
import { nameOf, useCharacters } from "../store/catalogue.js";

const PAGE = 60;
const CALM = 1000; // ms between two readings

const countsOf = ({ counts }) => {
  const said = [count(counts.stored ?? 0, "picture")];
  const open = (counts.queued ?? 0) + (counts.dispatched ?? 0);
  if (open) said.push(`${open.toLocaleString("en")} to come`);
  if (counts.failed) said.push(`${counts.failed.toLocaleString("en")} failed`);
  return said.join(", ");
};

const Card = ({ series }) => {
  const { user, character, highest, latest } = series;
  const name = nameOf(character);
  return html`<li class="series-card">
    <${Link} to=${seriesPath(user, character)}>
      <span class="face">${latest ? html`<${Thumbnail} key=${latest.id} id=${latest.id} alt="" width=${320} />` : html`<i aria-hidden="true">${name[0]}</i>`}
        <span class="number">${highest}</span></span>
      <b class="clamped">${name}</b> <span class="quiet">for ${user}</span>
      <small class="quiet">${countsOf(series)}</small>
      <small class="quiet">${when(series.updated_at)}</small>
    <//>
  </li>`;
};

/** The series that match, and how to have more of them. */
const useSeries = (filter) => {
  const [shown, setShown] = useState({ data: null, next: null });
  const state = useRef({});
  const read = async (more) => {
    const asked = (state.current.asked = {});
    const before = more ? shown.data : [];
    // Read again, a list is as long as it was.
    const limit = more ? PAGE : Math.min(200, Math.max(PAGE, state.current.long ?? 0));
    try {
      const page = await get(`v1/series${query({ ...filter, limit, cursor: more ? shown.next : null })}`);
      if (state.current.asked !== asked) return;
      const data = [...before, ...page.data];
      state.current.long = data.length;
      setShown({ data, next: page.has_more ? page.next_cursor : null });
    } catch (problem) {
      complain(problem);
      if (!shown.data) setShown({ data: [], next: null });
    }
  };
  useEffect(() => {
    read(false);
    const soon = eventually(CALM, () => read(false));
    const silence = listen((event) => {
      if (!event || event.type === "batch.created" || event.type === "image.stored") soon();
    });
    return () => (soon.never(), silence());
  }, [filter.user, filter.character]);
  return [shown, () => read(true)];
};

export const AllSeries = () => {
  const said = here.value.query;
  const filter = { user: said.get("user") ?? "", character: said.get("character") ?? "" };
  const characters = useCharacters();
  const [{ data, next }, more] = useSeries(filter);
  const change = (some) => go(`series${query({ ...filter, ...some })}`, { replace: true, keepScroll: true });
  const [typed, setTyped] = useTyped(filter.user, (user) => change({ user }));
  const options = [["", "all"], ...(characters ?? []).map((one) => [one.id, one.name || one.id])];
  const filtered = filter.user || filter.character;
  return html`<section class="page all-series">
    <header class="row">
      <h1>Contact sheets</h1>
      <div class="row end narrow">
        <${Field} label="User" value=${typed} onInput=${setTyped} type="search" autocomplete="off" />
        <${Choice} label="Character" value=${filter.character} options=${options} onChange=${(character) => change({ character })} />
      </div>
    </header>
    ${data?.length === 0 && (filtered
      ? html`<p>No sheet matches. <${Link} to="series">Show all<//></p>`
      : html`<p>No pictures yet. <${Link} to="">Order some<//>, and their sheet will be here.</p>`)}
    <ul class="series-cards" aria-busy=${data ? undefined : "true"}>
      ${data?.map((series) => html`<${Card} key=${`${series.user}/${series.character}`} series=${series} />`)}
    </ul>
    ${next && html`<${More} key=${data.length} onMore=${more} words="More" />`}
  </section>`;
};
