// A series as it is leafed through: all its indices from the first moment on, its images as they
// come into view, never more than so many. What is scrolled past is not asked for.
import { signal } from "../lib/html.js";
import { batchAt, get, query, seriesAt } from "../lib/api.js";
import { eventually } from "../lib/clock.js";
import { Line } from "../lib/ranges.js";
import { listen } from "../lib/live.js";
import { taught } from "./batches.js";

const MOST = 2000; // images that are kept
const FEWER = 1500; // to which they are brought down, those farthest from the view first
const PAGE = 200; // images that one answer may have
const LEAST = 60; // that are worth an answer
const PACE = 80; // ms between two looks at what is in view
const CALM = 300; // ms between two readings of what has changed

const NOWHERE = { first: 0, last: 0 };

/** Batches by whether they are of a series; asked once each. */
const belongs = (user, character) => {
  const known = new Map();
  const find = async (id) => {
    const batch = await get(batchAt(id)).catch(() => null);
    return batch?.user === user && batch.character === character;
  };
  const asked = (id) => {
    if (known.size > 500) known.clear();
    if (!known.has(id)) known.set(id, find(id));
    return known.get(id);
  };
  asked.surely = (id) => known.size < 500 && known.set(id, true);
  return asked;
};

export class Roll {
  /** The indices as they are shown; null until they are known. */
  line = signal(null);
  /** How many came since, that are not shown yet. */
  fresh = signal(0);
  /** Grows with every image that is learned. */
  version = signal(0);
  problem = signal(null);
  /** Grows when an image is found to have changed. */
  changes = signal(0);
  /** Whether what is new has to wait, since somebody looks at what is further down. */
  holding = () => false;

  #images = new Map(); // index -> image; gone: it is in no answer any more
  #stale = new Set();
  #asked = new Set(); // requests on their way: {high, low, stop}
  #view = NOWHERE;
  #passed = 0;
  #coming = null;

  /** @param {{status?: string, starred?: string, deleted?: string}} filter as the API takes it */
  constructor(user, character, filter = {}) {
    this.path = seriesAt(user, character);
    this.filter = filter;
    this.filtered = Object.values(filter).some(Boolean);
    this.ours = belongs(user, character);
    this.look = eventually(PACE, () => this.#fill());
    this.readSoon = eventually(CALM, () => this.read());
    this.refreshSoon = eventually(CALM, () => this.#refresh());
    const learn = (image) => {
      if (image.user !== user || image.character !== character) return;
      this.learn([image]);
      this.changes.value += 1;
    };
    taught.add(learn);
    const silence = listen((event) => this.#heard(event));
    this.close = () => {
      silence();
      taught.delete(learn);
      for (const soon of [this.look, this.readSoon, this.refreshSoon]) soon.never();
      for (const one of this.#asked) one.stop.abort();
    };
    // The first images are asked for beside the indices: most who come want to see the newest.
    this.read();
    this.#ask(Infinity, 0, LEAST);
  }

  get length() {
    return this.line.value?.length ?? 0;
  }

  /** The image at a position, null while it is not known. */
  at(position) {
    return this.image(this.line.value?.at(position));
  }

  positionOf(index) {
    return this.line.value?.positionOf(index) ?? -1;
  }

  image(index) {
    return this.#images.get(index) ?? null;
  }

  /** Something at this position will be looked at: have it, and what is near. */
  need(position) {
    if (!this.#images.has(this.line.value?.at(position))) this.show(position - 3, position + 3);
  }

  /** These positions are in view now. */
  show(first, last) {
    this.#view = { first: Math.max(0, first), last: Math.max(0, Math.min(last, this.length - 1)) };
    this.look();
  }

  /** Read the indices. What is new is shown at once if `now`, or if nobody would be disturbed. */
  async read(now = false) {
    try {
      const told = await get(`${this.path}/indices${query(this.filter)}`);
      this.problem.value = null;
      this.highest = told.highest;
      this.#coming = new Line(told.ranges);
    } catch (problem) {
      if (problem.status) this.problem.value = problem;
      return;
    }
    if (now || !this.length || !this.holding()) this.settle();
    else this.fresh.value = this.#coming.nearest(this.line.value.at(0));
  }

  /** Show what has come. */
  settle() {
    if (!this.#coming) return;
    this.line.value = this.#coming;
    this.#coming = null;
    this.fresh.value = 0;
    for (const [index, image] of this.#images) if (image.gone) this.#images.delete(index);
    this.look();
  }

  /** Put what an answer said of images where they are looked for. */
  learn(images) {
    for (const image of images) {
      this.#images.set(image.index, { ...this.#images.get(image.index), ...image, gone: false });
      this.#stale.delete(image.index);
      if (image.batch) this.ours.surely(image.batch);
    }
    this.#forgetSome();
    this.version.value += 1;
  }

  /** All images of these ranges, whether in view or not. */
  async all(ranges) {
    const found = [];
    for (const [high, low] of ranges)
      for (let before = high + 1; before && before > low; ) {
        const page = await get(`${this.path}/images${query({ before, limit: Math.min(PAGE, before - low) })}`);
        found.push(...page.data.filter((image) => image.index >= low));
        before = page.next_before;
      }
    return found;
  }

  #fill() {
    const line = this.line.value;
    if (!line?.length) return;
    const { first, last } = this.#view;
    const many = last - first + 1;
    for (const one of this.#asked)
      if (one.low > (line.at(first - many) ?? Infinity) || one.high < (line.at(last + many) ?? 0)) one.stop.abort();
    const rushing = Math.abs(first - this.#passed) > many;
    this.#passed = first;
    if (rushing) return void this.look(); // whoever rushes past sees numbers
    if (!this.#missing(first - many / 2, last + many / 2).length) return;
    const wanted = this.#missing(first - many, last + many);
    while (wanted.length) {
      const from = wanted[0];
      const to = wanted.filter((position) => position < from + PAGE).at(-1);
      wanted.splice(0, wanted.findLastIndex((position) => position <= to) + 1);
      const limit = Math.max(to - from + 1, LEAST);
      this.#ask(line.at(from), line.at(Math.min(from + limit, line.length) - 1), limit);
    }
  }

  #missing(from, to) {
    const found = [];
    const line = this.line.value;
    for (let position = Math.max(0, Math.floor(from)); position <= Math.min(to, line.length - 1); position += 1) {
      const index = line.at(position);
      const coming = [...this.#asked].some(({ high, low }) => high >= index && low <= index);
      if (!coming && !this.#images.has(index)) found.push(position);
    }
    return found;
  }

  async #ask(high, low, limit) {
    const one = { high, low, stop: new AbortController() };
    this.#asked.add(one);
    try {
      const before = high === Infinity ? undefined : high + 1;
      const page = await get(`${this.path}/images${query({ ...this.filter, before, limit })}`, one.stop.signal);
      this.problem.value = null;
      this.learn(page.data);
      this.#missed(one, page.data);
    } catch (problem) {
      if (problem.status) this.problem.value = problem;
    }
    this.#asked.delete(one);
    // Also after a failure, but then only with the next look: it would ask without end.
    if (this.#view !== NOWHERE && !one.stop.signal.aborted && !this.problem.value) this.look();
  }

  /** What was asked for and is not there has changed since its index was told. */
  #missed({ high, low }, images) {
    const line = this.line.value;
    if (!line || high === Infinity) return;
    const there = new Set(images.map((image) => image.index));
    const gone = [];
    for (let position = line.positionOf(high); position >= 0 && line.at(position) >= low; position += 1)
      if (!there.has(line.at(position))) gone.push(line.at(position));
    for (const index of gone) if (!this.#images.has(index)) this.#images.set(index, { index, gone: true });
    if (gone.length) this.readSoon();
  }

  /** Read again what has changed and is in view; forget what has changed elsewhere. */
  async #refresh() {
    const { first, last } = this.#view;
    const [high, low] = [this.line.value?.at(first) ?? Infinity, this.line.value?.at(last) ?? 0];
    const seen = [];
    for (const index of this.#stale) {
      if (index <= high && index >= low) seen.push(index);
      else this.#images.delete(index);
    }
    this.#stale.clear();
    seen.sort((one, other) => other - one);
    while (seen.length) {
      const top = seen[0];
      const near = seen.filter((index) => index > top - PAGE);
      seen.splice(0, near.length);
      try {
        this.learn(await this.all([[top, near.at(-1)]]));
        this.changes.value += 1;
      } catch {
        for (const index of near) this.#stale.add(index); // until the connection is back
      }
    }
  }

  async #heard(event) {
    if (!event) {
      for (const index of this.#images.keys()) this.#stale.add(index);
      this.look();
      this.read();
      return this.#refresh();
    }
    const { index, indices } = event.data ?? {};
    const created = event.type === "batch.created";
    if (!created && !event.type.startsWith("image.")) return;
    // An order of this series has numbers above all that were given out before.
    if (created ? indices.at(-1) <= (this.highest ?? 0) : !this.filtered && !this.#images.has(index)) return;
    if (!(await this.ours(event.batch))) return;
    if (created || this.filtered) this.readSoon();
    if (this.#images.has(index)) {
      this.#stale.add(index);
      this.refreshSoon();
    }
  }

  #forgetSome() {
    if (this.#images.size <= MOST || !this.line.value) return;
    const middle = this.line.value.at(Math.floor((this.#view.first + this.#view.last) / 2)) ?? 0;
    const far = [...this.#images.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const index of far.slice(0, far.length - FEWER)) this.#images.delete(index);
  }
}
