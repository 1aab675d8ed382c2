// The contact sheet of a series: newest first, however many there are.
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Link, go, here, seriesPath } from "../lib/address.js";
import { get, query } from "../lib/api.js";
import { count } from "../lib/clock.js";
import { keep, kept } from "../lib/kept.js";
import { useKeys } from "../lib/keys.js";
import { common, each } from "../lib/ranges.js";
import { say, slip, trying } from "../lib/say.js";
import { Contact } from "../parts/contact.js";
import { nameOf, useCharacters } from "../store/catalogue.js";
import { isThere } from "../store/batches.js";
import { useChosen } from "../store/chosen.js";
import { doomed } from "../store/deeds.js";
import { change } from "../store/order.js";
import { Roll } from "../store/roll.js";
import { measure, saidOf } from "../store/shape.js";
import { Compare } from "./compare.js";
import { Grid } from "./grid.js";
import { Lightbox } from "./lightbox.js";
import { useDeeds } from "./sheet_deeds.js";
import { useGridKeys } from "./sheet_keys.js";
import { ChosenBar, SheetTools, filterOf } from "./sheet_tools.js";

const STILL = 200; // ms without a move until the place is remembered
const PRINTED = 200; // pictures at most, where none are marked

const useRoll = (user, character, filter) => {
  const roll = useMemo(() => new Roll(user, character, filter), []);
  useEffect(() => roll.close, []);
  return roll;
};

/** How broad a picture of the series is for its height; null until it is known. */
const useSeriesShape = (user, character, roll) => {
  const [measured, setMeasured] = useState(null);
  const characters = useCharacters();
  const said = saidOf(character);
  const known = roll.version.value > 0 && roll.line.value;
  useEffect(() => {
    if (!characters || said || measured || !known) return;
    const newest = [...each(roll.line.value.between(0, 50))].map((index) => roll.image(index)).find(isThere);
    measure(user, character, newest).then(setMeasured);
  }, [characters, known]);
  return said ?? measured;
};

/** One picture, large, among those of the sheet that are there. */
const Large = ({ user, character, index, starred, onIndex, onClose, onGone }) => {
  const roll = useRoll(user, character, { status: "stored", starred, deleted: "false" });
  const begun = useRef(false);
  const [line, version] = [roll.line.value, roll.version.value];
  const position = line?.positionOf(index) ?? -1;
  useEffect(() => {
    if (!line) return;
    if (position >= 0) {
      begun.current = true;
      roll.need(position); // until it is there, nothing is shown large
    } else if (begun.current && line.length) onIndex(line.at(line.nearest(index)));
    else {
      if (!begun.current) slip(`Picture ${index} is not there`);
      onClose();
    }
  }, [line, position]);
  const shown = useMemo(
    () => ({ length: roll.length, at: (place) => roll.at(place), positionOf: (one) => roll.positionOf(one), need: (place) => roll.need(place) }),
    [line, version],
  );
  const gone = (ids) => {
    roll.read(true);
    onGone(ids);
  };
  return shown.at(position) && html`<${Lightbox} roll=${shown} index=${index} character=${character} onIndex=${onIndex} onClose=${onClose} onGone=${gone} />`;
};

const Nothing = ({ user, character, filtered }) =>
  filtered
    ? html`<p class="nothing-here">None of these pictures match. <${Link} to=${seriesPath(user, character)}>Show all<//></p>`
    : html`<p class="nothing-here">No pictures of ${nameOf(character)} for ${user} yet. <${Link} to="" onClick=${() => change({ user, character })}>Order some<//></p>`;

/** The large view stands in the address; who opened it from the sheet comes back to the sheet. */
const useLarge = (user, character, index, control, setActive) => {
  const search = here.value.query.size ? `?${here.value.query}` : "";
  const large = Number(index) || null;
  const last = useRef(null);
  const show = (to) => go(seriesPath(user, character, to) + search, { replace: large !== null, keepScroll: true });
  const close = () => go(seriesPath(user, character) + search, { replace: true, keepScroll: true });
  useEffect(() => {
    if (large === null && last.current !== null) {
      setActive(last.current);
      control.current?.goTo(last.current, { focused: true });
    }
    last.current = large;
  }, [large]);
  return { large, show, close };
};

/** Where one was is remembered with the step of the way, for the back button and a reload. */
const remember = (() => {
  let timer = 0;
  return (place) => {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState({ ...history.state, place }, ""), STILL);
    return () => clearTimeout(timer);
  };
})();

const Shown = ({ user, character, index, filter, size, control }) => {
  const roll = useRoll(user, character, filter);
  const shape = useSeriesShape(user, character, roll);
  const [start] = useState(() => (Number(index) ? { index: Number(index) } : history.state?.place));
  const [moved, setActive] = useState(null);
  const [comparing, setComparing] = useState(null);
  const [printing, setPrinting] = useState(null);
  const forget = useRef(() => {});
  const line = roll.line.value;
  const active = line?.at(Math.max(0, line.nearest(moved ?? start?.index ?? Infinity)));
  const chosen = useChosen(line);
  const { large, show, close } = useLarge(user, character, index, control, setActive);
  const deeds = useDeeds({ roll, chosen, active, onCompare: setComparing });
  const onKeyDown = useGridKeys({ line, control, active, setActive, chosen });
  useKeys(deeds.keys);
  useEffect(() => () => forget.current(), []);
  useEffect(() => {
    document.title = `${nameOf(character)} for ${user} · Safelight`;
  });

  const press = (at, event) => {
    setActive(at);
    const image = roll.image(at);
    const finger = event.pointerType === "touch" && chosen.ranges.length;
    if (event.shiftKey) chosen.reach(at, active);
    else if (event.ctrlKey || event.metaKey || finger) chosen.toggle(at);
    else if (isThere(image) && !doomed.value.has(image.id)) show(at);
  };
  const mark = (at, event) => {
    setActive(at);
    if (event?.shiftKey) chosen.reach(at, active);
    else chosen.toggle(at);
  };
  const print = () =>
    trying(async () => {
      const wanted = chosen.ranges.length ? chosen.ranges : line.between(0, PRINTED - 1);
      const images = (await roll.all(common(line.ranges, wanted))).filter(isThere);
      if (images.length) setPrinting(images);
      else slip("There is nothing to print");
    });
  Object.assign(control.actions, {
    print,
    number: (wanted) => {
      const found = line?.at(line.nearest(wanted));
      if (found === undefined) return;
      setActive(found);
      control.current.goTo(found, { focused: true });
      say(found === wanted ? `Number ${found}` : `There is no number ${wanted} here; ${found} is the nearest`);
    },
    date: (text) =>
      trying(async () => {
        const [year, month, day] = text.split("-").map(Number);
        const after = new Date(year, month - 1, day + 1).toISOString();
        const { data } = await get(`${roll.path}/images${query({ ...filter, created_before: after, limit: 1 })}`);
        if (data.length) control.actions.number(data[0].index);
        else slip("There is nothing that old");
      }),
  });

  if (roll.problem.value && !line)
    return html`<p class="wrong">${roll.problem.value.message}</p><p><${Link} to="series">All sheets<//></p>`;
  const gone = () => roll.read(true);
  return html`
    <p class="quiet how-many" aria-live="polite">${line && (roll.filtered ? `${line.length.toLocaleString("en")} of ${count(roll.highest, "frame")}` : count(line.length, "frame"))}</p>
    ${line?.length === 0 && html`<${Nothing} user=${user} character=${character} filtered=${roll.filtered} />`}
    ${line?.length > 0 && shape && html`<${Grid} roll=${roll} character=${character} label=${`Pictures of ${nameOf(character)}`} shape=${shape} size=${size} start=${start}
      active=${active} chosen=${chosen.has} control=${control} onMoved=${(place) => (forget.current = remember(place))} onPress=${press} onMark=${mark} onKeyDown=${onKeyDown} />`}
    ${roll.fresh.value > 0 && html`<button type="button" class="strong fresh" onClick=${() => (roll.settle(), scrollTo(0, 0))}>${roll.fresh.value} new</button>`}
    ${chosen.ranges.length > 0 && html`<${ChosenBar} user=${user} character=${character} chosen=${chosen.ranges} ...${deeds.bar} />`}
    ${large !== null && html`<${Large} user=${user} character=${character} index=${large} starred=${filter.starred} onIndex=${show} onClose=${close} onGone=${gone} />`}
    ${comparing && html`<${Compare} images=${comparing} character=${character} onClose=${() => setComparing(null)} />`}
    ${printing && html`<${Contact} images=${printing} user=${user} character=${character} shape=${shape} onDone=${() => setPrinting(null)} />`}
  `;
};

export const Sheet = ({ user, character, index }) => {
  const filter = filterOf(here.value.query);
  const [size, setSize] = useState(() => kept("frames", "m"));
  const control = useRef(null);
  control.actions ??= {};
  const resize = (to) => {
    keep("frames", to);
    setSize(to);
  };
  return html`<section class="sheet page">
    <header>
      <h1>${nameOf(character)} <small class="quiet">for ${user}</small></h1>
      <${Link} to="" onClick=${() => change({ user, character })}>Order more<//>
    </header>
    <${SheetTools} user=${user} character=${character} filter=${filter} size=${size} onSize=${resize}
      onNumber=${(to) => control.actions.number?.(to)} onDate=${(text) => control.actions.date?.(text)} onPrint=${() => control.actions.print?.()} />
    <${Shown} key=${JSON.stringify(filter)} user=${user} character=${character} index=${index} filter=${filter} size=${size} control=${control} />
  </section>`;
};
