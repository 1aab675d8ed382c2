// The keyboard. Whoever is shown last hears a key first; a key that means something is written down.
import { useLayoutEffect, useRef } from "./html.js";

const layers = [];

/** Whether a key belongs to what is typed into. */
const typing = (event) => {
  const on = event.target;
  if (on.isContentEditable || on.tagName === "TEXTAREA" || on.tagName === "SELECT") return true;
  return on.tagName === "INPUT" && !["checkbox", "radio", "range", "button"].includes(on.type);
};

const named = (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.shiftKey && key.length > 1 ? "Shift+" : "") + key;
};

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey) return;
  const name = named(event);
  if (typing(event) && !name.startsWith("Ctrl+Enter") && name !== "Escape") return;
  for (const layer of [...layers].reverse()) {
    const act = layer.current.keys[name];
    if (act) {
      if (act(event) !== false) event.preventDefault();
      return;
    }
    if (layer.current.alone) return;
  }
});

/**
 * Keys of a component while it is shown.
 * @param {Record<string, (event: KeyboardEvent) => unknown>} keys by name: "ArrowLeft", "i", "Ctrl+a";
 *     one that returns false leaves the key to the browser
 * @param {boolean} alone whether keys it does not know go to nobody else (a dialog)
 */
export const useKeys = (keys, alone = false) => {
  const layer = useRef();
  layer.current = { keys, alone };
  useLayoutEffect(() => {
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
};
