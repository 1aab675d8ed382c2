// An endless grid of which only what is in view is there. Its height is exact from the beginning.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { Cell } from "../parts/cell.js";

const GAP = 2; // px, as between frames elsewhere
const REBATE = 2; // rem, below a picture
const OVER = 1; // rows beyond each edge of the window
const SMALLEST = { s: 1, m: 2, l: 1 }; // columns on the narrowest phone

/** Wide enough for a finger, narrow enough for two on a phone. */
const WANTED = { s: 112, m: 176, l: 320 };

const layoutOf = (width, shape, size) => {
  const columns = Math.max(SMALLEST[size], Math.floor((width + GAP) / (WANTED[size] + GAP)));
  const cell = (width - GAP * (columns - 1)) / columns;
  const rebate = REBATE * parseFloat(getComputedStyle(document.documentElement).fontSize);
  return { columns, cell, row: Math.round(cell / shape + rebate) + GAP };
};

/** The layout for the width there is; null before it is known. */
const useLayout = (element, shape, size) => {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return width ? layoutOf(width, shape, size) : null;
};

const topOf = (element) => element.getBoundingClientRect().top + scrollY;
/** What of the window is under the tools that stay at its top. */
const covered = () => document.querySelector(".sheet-tools")?.offsetHeight ?? 0;

/** The rows in view, [first, last], told anew while one scrolls. */
const useRows = (element, layout, onScroll) => {
  const [rows, setRows] = useState([0, 0]);
  const heard = useRef();
  heard.current = () => {
    if (!layout || !element.current) return;
    const above = scrollY - topOf(element.current);
    const first = Math.max(0, Math.floor((above + covered()) / layout.row));
    const last = Math.max(0, Math.floor((above + innerHeight) / layout.row));
    setRows((before) => (before[0] === first && before[1] === last ? before : [first, last]));
    onScroll(first, last, above + covered());
  };
  useEffect(() => {
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => ((frame = 0), heard.current()));
    };
    for (const type of ["scroll", "resize"]) addEventListener(type, soon, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      for (const type of ["scroll", "resize"]) removeEventListener(type, soon);
    };
  }, []);
  return [rows, () => heard.current()];
};

/**
 * @param {{
 *   roll: import("../store/roll.js").Roll, character: string, label: string, shape: number, size: "s" | "m" | "l",
 *   start?: {index: number, above?: number}, active: number, chosen: (index: number) => boolean, control: {current: any}, onMoved: (place: object | null) => void,
 *   onPress: (index: number, event: MouseEvent) => void, onMark: (index: number) => void, onKeyDown: (event: KeyboardEvent) => void,
 * }} shown `start` is in view at first; `onMoved` hears which place that would be now, null for the newest;
 *     `control.current` is given `goTo`, and how many columns and whole rows there are
 */
export const Grid = ({ roll, character, label, shape, size, start, active, chosen, control, onMoved, onPress, onMark, onKeyDown }) => {
  const element = useRef();
  const line = roll.line.value;
  roll.version.value; // drawn again with every image that is learned
  const layout = useLayout(element, shape, size);
  const anchor = useRef(null); // what is looked at: it stays where it is when the layout changes
  const focus = useRef(null);
  const begun = useRef(false);
  const [, draw] = useState(0);

  const [[first, last], measure] = useRows(element, layout, (from, to, above) => {
    const top = line.at(from * layout.columns);
    anchor.current = { index: top, above: Math.round(above - from * layout.row) };
    roll.show(from * layout.columns, (to + 1) * layout.columns - 1);
    onMoved(above > layout.row ? anchor.current : null);
    if (!roll.holding()) roll.settle();
  });
  roll.holding = () => Boolean(layout && element.current) && scrollY - topOf(element.current) + covered() > layout.row / 2;

  const goTo = (index, { focused = false, edge = false } = {}) => {
    const position = line.nearest(index);
    if (position < 0 || !layout) return;
    const top = topOf(element.current) + Math.floor(position / layout.columns) * layout.row;
    const [high, low] = [scrollY + covered(), scrollY + innerHeight];
    // Beside the edge only as far as it must; from afar so that it stands in the middle.
    if (top < high || top + layout.row > low) {
      const near = edge && top > high - 2 * layout.row && top < low + layout.row;
      const middle = top - covered() - (innerHeight - covered() - layout.row) / 2;
      scrollTo(0, near ? (top < high ? top - covered() - GAP : top + layout.row - innerHeight + GAP) : middle);
    }
    if (focused) {
      focus.current = line.at(position);
      draw((times) => times + 1);
    }
    measure();
  };
  control.current = { goTo, columns: layout?.columns ?? 1, page: Math.max(1, last - first - 1) };

  useLayoutEffect(() => {
    if (!layout || !element.current) return;
    const from = begun.current ? roll.holding() && anchor.current : start;
    begun.current = true;
    if (!from) return measure();
    if (from.above === undefined) return goTo(from.index);
    const position = line.nearest(from.index ?? 0);
    scrollTo(0, topOf(element.current) + Math.floor(position / layout.columns) * layout.row + from.above - covered());
    measure();
  }, [line, layout?.columns, layout?.row]);
  useEffect(() => {
    if (focus.current === null) return;
    const found = element.current.querySelector(`[data-index="${focus.current}"]`);
    if (!found) return;
    focus.current = null;
    found.focus({ preventScroll: true });
  });

  const columns = layout?.columns ?? 1;
  const total = Math.ceil(line.length / columns);
  const shown = [];
  for (let row = Math.max(0, first - OVER); row <= Math.min(last + OVER, total - 1); row += 1) shown.push(row);
  // Where the focus is stays, however far one scrolls away.
  const focused = Math.floor(Math.max(0, line.positionOf(active)) / columns);
  if (total && !shown.includes(focused)) shown.push(focused);

  const rowOf = (row) => {
    const cells = [];
    for (let column = 0; column < columns && row * columns + column < line.length; column += 1) {
      const index = line.at(row * columns + column);
      cells.push(html`<${Cell} key=${index} index=${index} image=${roll.image(index)} character=${character} column=${column} width=${layout.cell}
        chosen=${chosen(index)} tabbable=${index === active} onPress=${onPress} onMark=${onMark} />`);
    }
    return html`<div key=${row} role="row" class="line" aria-rowindex=${row + 1} style=${{ transform: `translateY(${row * layout.row}px)`, height: `${layout.row}px`, "--columns": columns }}>${cells}</div>`;
  };
  return html`<div ref=${element} class="grid" role="grid" aria-label=${label} aria-multiselectable="true" aria-rowcount=${total} aria-colcount=${columns}
    style=${{ height: `${total * (layout?.row ?? 0)}px` }} onKeyDown=${onKeyDown}>
    ${layout && shown.map(rowOf)}
  </div>`;
};
