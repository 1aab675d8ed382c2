// What is marked on a sheet: ranges, so that ten thousand are marked as quickly as one.
import { useMemo, useRef, useState } from "../lib/html.js";
import { has, union, without } from "../lib/ranges.js";

const NONE = [];

/**
 * @param {import("../lib/ranges.js").Line} line
 * @returns {{ranges: number[][], has: (index: number) => boolean, toggle: (index: number) => void,
 *     reach: (index: number, from?: number) => void, all: () => void, clear: () => void}}
 */
export const useChosen = (line) => {
  const [ranges, setRanges] = useState(NONE);
  const begin = useRef(null); // where a range begins, and what was marked before it
  const set = (next, index) => {
    begin.current = index === undefined ? null : { index, before: next };
    setRanges(next);
  };
  const toggle = (index) => set((has(ranges, index) ? without : union)(ranges, [[index, index]]), index);
  const reach = (index, from = index) => {
    begin.current ??= { index: from, before: ranges };
    const start = line.positionOf(begin.current.index);
    if (start < 0) return toggle(index);
    setRanges(union(begin.current.before, line.between(start, line.positionOf(index))));
  };
  const held = useMemo(() => (index) => has(ranges, index), [ranges]);
  return { ranges, has: held, toggle, reach, all: () => line && set(line.ranges), clear: () => set(NONE) };
};
