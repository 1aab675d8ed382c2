// Where we are: addresses below the folder the page was served from, whatever a proxy puts before.
import { html, signal } from "./html.js";

// The document's base stays what it was when the page came; the address bar moves on.
const BASE = new URL(document.baseURI);
/** @param {string} path below the page's folder, without a slash at its beginning */
export const url = (path) => new URL(path, BASE).href;

const read = () => {
  const path = location.pathname.startsWith(BASE.pathname)
    ? location.pathname.slice(BASE.pathname.length)
    : location.pathname.slice(1);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { parts, hash: decoded(location.hash.slice(1)), query: new URLSearchParams(location.search) };
};

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // half an escape is no address of ours, and no reason to stop
  }
};

export const here = signal(read());
let at = location.href;
const refresh = () => {
  at = location.href;
  here.value = read();
};
/** Asked before the page goes elsewhere, by who would lose something; it goes on with what it is given. */
let gate = null;
/** @param {(on: () => void) => void} asks @returns {() => void} to let everybody go */
export const holdBack = (asks) => {
  gate = asks;
  return () => gate === asks && (gate = null);
};
const pass = (on) => {
  if (!gate) return on();
  gate(() => {
    gate = null;
    on();
  });
};
addEventListener("popstate", () => {
  if (!gate) return refresh();
  const wanted = location.href;
  history.pushState(null, "", at); // the browser has gone already
  pass(() => go(wanted));
});
addEventListener("hashchange", () => gate || refresh());

/**
 * Go to an address; `replace` leaves no step behind for the back button.
 * @param {string} path @param {{replace?: boolean, keepScroll?: boolean}} how
 */
export const go = (path, { replace = false, keepScroll = false } = {}) =>
  pass(() => {
    history[replace ? "replaceState" : "pushState"](null, "", url(path));
    refresh();
    if (!keepScroll) scrollTo(0, 0);
  });

/** Parts of a path, whatever is in them. */
export const segments = (...parts) => parts.map((part) => encodeURIComponent(part)).join("/");
export const batchPath = (id, index) => `batches/${segments(id)}${index === undefined ? "" : `#${index}`}`;
export const seriesPath = (user, character, index) =>
  `series/${segments(user, character)}${index === undefined ? "" : `/${index}`}`;
export const characterPath = (id) => `characters/${segments(id)}`;
export const workflowPath = (id) => `workflows/${segments(id)}`;

/** A link within the page: an ordinary one for the browser, no reload for a plain click. */
export const Link = ({ to, children, onClick, ...rest }) => {
  const follow = (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onClick?.(event);
    go(to);
  };
  return html`<a href=${url(to)} onClick=${follow} ...${rest}>${children}</a>`;
};
