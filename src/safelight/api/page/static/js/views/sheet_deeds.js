// What can be done to what is marked on a sheet, by its bar and by keys.
import { useEffect, useMemo, useState } from "../lib/html.js";
import { get, query } from "../lib/api.js";
import { Line, common, each, many } from "../lib/ranges.js";
import { complain, say, slip, trying } from "../lib/say.js";
import { isThere } from "../store/batches.js";
import { deleteImages, star } from "../store/deeds.js";

const MOST = 1000; // that are starred or deleted one by one
const NOTHING = new Line([]);

/** What of the series has a file, read while something is marked. */
const useFiles = (roll, wanted) => {
  const [line, setLine] = useState(NOTHING);
  useEffect(() => {
    if (!wanted) return;
    const filter = query({ status: "stored", deleted: "false" });
    get(`${roll.path}/indices${filter}`).then((told) => setLine(new Line(told.ranges)), complain);
  }, [wanted, roll.changes.value, roll.line.value]);
  return line;
};

export const useDeeds = ({ roll, chosen, active, onCompare }) => {
  const marked = chosen.ranges.length > 0;
  const every = useFiles(roll, marked);
  const files = useMemo(() => common(chosen.ranges, every.ranges), [chosen.ranges, every]);
  const within = () => document.activeElement?.closest?.(".grid") !== null;
  /** What a key is for: what is marked, or else where the focus is. */
  const meant = () => (marked ? chosen.ranges : within() && active !== undefined ? [[active, active]] : []);

  /** The images of these ranges; null if there are too many to do something to each. */
  const images = async (ranges) => {
    if (many(ranges) > MOST) {
      slip(`That is too much at once: mark at most ${MOST.toLocaleString("en")}`, { wrong: true });
      return null;
    }
    const known = [...each(ranges)].map((index) => roll.image(index));
    return known.every((image) => image && !image.gone) ? known : roll.all(ranges);
  };
  const doing = (deed) => async () => {
    const ranges = meant();
    if (!ranges.length) return;
    await trying(async () => {
      const found = await images(ranges);
      if (found) await deed(found);
    });
  };
  const starred = many(files) > 0 && many(files) <= MOST && [...each(files)].every((index) => roll.image(index)?.starred_at);
  const mark = doing(async (found) => {
    const there = found.filter((image) => !image.deleted_at);
    const on = !there.every((image) => image.starred_at);
    const wanted = there.filter((image) => Boolean(image.starred_at) !== on);
    let done = 0;
    for (const image of wanted) if (await star(image)) done += 1;
    if (done) say(`${done} ${on ? "starred" : "no longer starred"}`);
  });
  const away = doing((found) => {
    const there = found.filter(isThere);
    if (!there.length) return slip("There is no picture to delete");
    chosen.clear();
    deleteImages(there, () => roll.read(true));
  });
  const compare = doing((found) => {
    const there = found.filter(isThere);
    if (there.length === 2 && found.length === 2) onCompare(there);
    else slip("Mark two pictures to compare them");
  });
  const download = () => {
    if (marked) document.querySelector(".chosen-bar a[download]")?.click();
  };
  const keys = {
    "Ctrl+a": chosen.all,
    Escape: () => marked && chosen.clear(),
    ...{ ".": mark, Delete: away, c: compare, d: download },
  };
  const bar = { files, every, starred, onStar: mark, onCompare: compare, onDelete: away, onClear: chosen.clear };
  return { keys, bar };
};
