// Sets of indices as ranges, both ends included, highest first, none touching another:
// [[13, 10], [8, 1]]. So are a million indices told, chosen and put together as quickly as one.

/** The first range that does not end above an index: the one it is in, if it is in any. */
const place = (ranges, index) => {
  let [from, to] = [0, ranges.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ranges[middle][1] > index) from = middle + 1;
    else to = middle;
  }
  return from;
};

export const has = (ranges, index) => (ranges[place(ranges, index)]?.[0] ?? -1) >= index;
export const many = (ranges) => ranges.reduce((sum, [high, low]) => sum + high - low + 1, 0);

/** What is in one of two sets. */
export const union = (some, others) => {
  const found = [];
  for (const [high, low] of [...some, ...others].sort((one, other) => other[0] - one[0])) {
    const last = found.at(-1);
    if (last && high >= last[1] - 1) last[1] = Math.min(last[1], low);
    else found.push([high, low]);
  }
  return found;
};

/** What is in both. */
export const common = (some, others) => {
  const found = [];
  for (let [one, other] = [0, 0]; one < some.length && other < others.length; ) {
    const high = Math.min(some[one][0], others[other][0]);
    const low = Math.max(some[one][1], others[other][1]);
    if (high >= low) found.push([high, low]);
    if (some[one][1] > others[other][1]) one += 1;
    else other += 1;
  }
  return found;
};

/** What is in the first and not in the second. */
export const without = (some, others) => {
  const gaps = [];
  let top = Infinity;
  for (const [high, low] of others) {
    if (top > high) gaps.push([top, high + 1]);
    top = low - 1;
  }
  return common(some, [...gaps, [top, 0]]);
};

/** Every index, highest first. */
export function* each(ranges) {
  for (const [high, low] of ranges) for (let index = high; index >= low; index -= 1) yield index;
}

/** @example inText([[13, 13], [10, 4]]) === "13,10-4" */
export const inText = (ranges) => ranges.map(([high, low]) => (high === low ? high : `${high}-${low}`)).join(",");

/** Ranges as a line in which every index has its position, 0 the highest. */
export class Line {
  #starts = [0];

  constructor(ranges) {
    this.ranges = ranges;
    for (const [high, low] of ranges) this.#starts.push(this.#starts.at(-1) + high - low + 1);
    this.length = this.#starts.at(-1);
  }

  /** The index at a position, undefined beyond the ends. */
  at(position) {
    if (position < 0 || position >= this.length) return undefined;
    let [from, to] = [0, this.ranges.length];
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if (this.#starts[middle] <= position) from = middle;
      else to = middle;
    }
    return this.ranges[from][0] - (position - this.#starts[from]);
  }

  /** Where an index is, -1 if it is not in the line. */
  positionOf(index) {
    const found = place(this.ranges, index);
    const high = this.ranges[found]?.[0] ?? -1;
    return high >= index ? this.#starts[found] + high - index : -1;
  }

  /** The position of the index itself or of the one nearest to it; -1 in an empty line. */
  nearest(index) {
    const there = this.positionOf(index);
    if (there >= 0 || !this.length) return there;
    const below = this.#starts[place(this.ranges, index)]; // of the next lower one
    if (below === 0 || below >= this.length) return Math.min(below, this.length - 1);
    return index - this.at(below) < this.at(below - 1) - index ? below : below - 1;
  }

  /** The indices from one position to another, whichever comes first. */
  between(one, other) {
    const [first, last] = [Math.min(one, other), Math.min(Math.max(one, other), this.length - 1)];
    return last < 0 ? [] : common(this.ranges, [[this.at(first), this.at(last)]]);
  }
}
