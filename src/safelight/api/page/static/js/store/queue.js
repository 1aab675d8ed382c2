// All batches, by pages and live: several lists of the API, put together newest first.
import { signal } from "../lib/html.js";
import { batchAt, get, query } from "../lib/api.js";
import { eventually } from "../lib/clock.js";
import { listen } from "../lib/live.js";
import { trying } from "../lib/say.js";
import { ENDED, learn } from "./batches.js";

const PAGE = 50;
const PAGES = 4; // of what is unfinished: nobody looks at more
const PACE = 400; // ms in which events are gathered
const MANY = 8; // batches that changed, from which on the head is read instead of each

/** What one can look at: which statuses, each a list of the API; `done`: null is all of them. */
export const STATES = {
  all: { name: "All", open: ["running", "queued"], done: [null] },
  open: { name: "Waiting and running", open: ["running", "queued"], done: [] },
  ended: { name: "Ended", open: [], done: [null] },
  failed: { name: "Failed or partial", open: [], done: ["failed", "partial"] },
};

const newest = (a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1);

/**
 * The batches of a filter; `close` it when it is no longer shown.
 * @param {{state: string, user: string, character: string}} filter
 */
export const openQueue = ({ state, user, character }) => {
  const asked = STATES[state] ?? STATES.all;
  const list = (status) => ({ status, cursor: undefined, last: "\uffff", over: false });
  const lists = { open: asked.open.map(list), done: asked.done.map(list) };
  const known = new Map();
  const shown = signal({ open: null, done: null, more: false, further: false });
  const stop = new AbortController();
  let changed = new Set();
  let reading = null;

  const fits = (batch) =>
    (!user || batch.user === user) && (!character || batch.character === character) &&
    (ENDED.has(batch.status) ? asked.done.includes(null) || asked.done.includes(batch.status) : asked.open.length > 0);

  const put = (batch) => {
    if (!fits(batch)) return void known.delete(batch.id);
    // Lists do not say what is expected: who is shown already knows better.
    known.set(batch.id, known.has(batch.id) ? batch : learn(batch));
  };

  const show = () => {
    const all = [...known.values()].sort(newest);
    // Where one list has been read less far than another, what lies below would be full of holes.
    const floor = lists.done.filter((one) => !one.over).reduce((high, one) => (one.last > high ? one.last : high), "");
    shown.value = {
      open: asked.open.length ? all.filter((one) => !ENDED.has(one.status)) : null,
      done: asked.done.length ? all.filter((one) => ENDED.has(one.status) && one.created_at >= floor) : null,
      more: lists.done.some((one) => !one.over),
      further: lists.open.some((one) => !one.over),
    };
  };

  const read = async (one) => {
    const page = await get(`v1/batches${query({ status: one.status, user, character, limit: PAGE, cursor: one.cursor })}`, stop.signal);
    page.data.forEach(put);
    one.cursor = page.next_cursor ?? undefined;
    one.last = page.data.at(-1)?.created_at ?? one.last;
    one.over = !page.has_more;
  };

  const shownAfter = (deed) => trying(async () => {
    await deed();
    show();
  });

  /** The next page of ended ones. */
  const more = () => {
    reading ??= shownAfter(async () => {
      const before = shown.value.done?.length;
      while (shown.value.more && shown.value.done.length === before) {
        await read(lists.done.filter((one) => !one.over).sort((a, b) => (a.last < b.last ? 1 : -1))[0]);
        show();
      }
    }).finally(() => (reading = null));
    return reading;
  };

  const begin = () =>
    shownAfter(async () => {
      for (const one of lists.open) for (let page = 0; page < PAGES && !one.over; page++) await read(one);
      for (const one of lists.done) await read(one);
    });

  const head = async () => {
    const page = await get(`v1/batches${query({ user, character, limit: PAGE })}`, stop.signal);
    page.data.forEach(put);
  };

  const flush = () => {
    const ids = [...changed];
    changed = new Set();
    shownAfter(async () => {
      if (ids.length > MANY) await head();
      // What has changed below the head is asked for by itself.
      const rest = ids.length > MANY ? ids.filter((id) => known.has(id) && !ENDED.has(known.get(id).status)) : ids;
      for (const id of rest.slice(0, PAGE)) await look(id);
    });
  };

  const look = async (id) => {
    try {
      put(await get(batchAt(id), stop.signal));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      known.delete(id); // erased, with its user
    }
  };

  const flushSoon = eventually(PACE, flush);
  const heard = (event) => {
    if (!event) {
      // Anything may have been missed: what was unfinished is looked at again, and what is new.
      for (const [id, one] of known) if (!ENDED.has(one.status)) changed.add(id);
      shownAfter(head);
    } else if (event.type.startsWith("batch.") || (event.type === "image.queued" && ENDED.has(known.get(event.batch)?.status))) {
      changed.add(event.batch);
    }
    if (changed.size) flushSoon();
  };

  const deaf = listen(heard);
  begin();
  return {
    shown,
    more,
    put: (batch) => (put(batch), show()),
    close: () => {
      deaf();
      flushSoon.never();
      stop.abort();
    },
  };
};
