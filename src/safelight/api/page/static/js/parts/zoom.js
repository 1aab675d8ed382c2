// Zooming and panning a picture: wheel, two fingers, keys; a swipe where it is not enlarged.
import { useEffect, useRef, useState } from "../lib/html.js";

const FIT = { scale: 1, x: 0, y: 0 };
const MOST = 12;
const SWIPE = 50; // px

const clamped = ({ scale, x, y }, { width, height }) => {
  const size = Math.min(Math.max(scale, 1), MOST);
  const bound = (value, all) => Math.min(0, Math.max(all * (1 - size), value));
  return { scale: size, x: bound(x, width), y: bound(y, height) };
};

/** So much larger, and the point (x, y) of the stage stays where it is. */
const zoomed = (view, factor, x, y, stage) => {
  const scale = Math.min(Math.max(view.scale * factor, 1), MOST);
  const by = scale / view.scale;
  return clamped({ scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by }, stage);
};

/**
 * @param {unknown} what another one begins fitted again
 * @param {(step: number) => void} onSwipe called with 1 (the next) or -1
 * @returns {{view: {scale: number, x: number, y: number}, stage: object, by: (factor: number) => void, fit: () => void}}
 *     `stage` goes onto the element that holds the picture
 */
export const useZoom = (what, onSwipe) => {
  const [view, setView] = useState(FIT);
  const element = useRef();
  const fingers = useRef(new Map());
  const begun = useRef(null);
  useEffect(() => setView(FIT), [what]);

  const place = (event) => {
    const box = element.current.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const size = () => element.current.getBoundingClientRect();
  const by = (factor, at = { x: size().width / 2, y: size().height / 2 }) =>
    setView((now) => zoomed(now, factor, at.x, at.y, size()));

  // Not by an attribute: such listeners may not keep the page from scrolling.
  useEffect(() => {
    const wheel = (event) => {
      event.preventDefault();
      by(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), place(event));
    };
    const on = element.current;
    on.addEventListener("wheel", wheel, { passive: false });
    return () => on.removeEventListener("wheel", wheel);
  }, []);

  const down = (event) => {
    if (event.target.closest("button")) return;
    element.current.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, place(event));
    begun.current = fingers.current.size === 1 ? place(event) : null;
  };
  const move = (event) => {
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    const at = place(event);
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    fingers.current.set(event.pointerId, at);
    if (other) {
      const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      by(apart(at) / apart(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
    } else setView((now) => clamped({ ...now, x: now.x + at.x - before.x, y: now.y + at.y - before.y }, size()));
  };
  const up = (event) => {
    if (!fingers.current.delete(event.pointerId)) return;
    const from = begun.current;
    begun.current = null;
    if (!from || view.scale > 1 || event.type === "pointercancel") return;
    const { x, y } = place(event);
    if (Math.abs(x - from.x) > SWIPE && Math.abs(x - from.x) > 2 * Math.abs(y - from.y)) onSwipe(x < from.x ? 1 : -1);
  };
  const twice = (event) => (view.scale > 1 ? setView(FIT) : by(2.5, place(event)));
  const stage = { ref: element, onPointerDown: down, onPointerMove: move, onPointerUp: up, onPointerCancel: up, onDblClick: twice };
  return { view, stage, by, fit: () => setView(FIT) };
};
