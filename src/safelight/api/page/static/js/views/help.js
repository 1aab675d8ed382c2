// The keys, written down.
import { html } from "../lib/html.js";
import { Dialog } from "../parts/dialog.js";

const KEYS = [
  ["Ordering", [["Ctrl Enter", "order"], ["?", "this list"]]],
  ["Pictures", [
    ["← → ↑ ↓", "go from frame to frame"], ["Home End", "the newest, the oldest"], ["Enter", "open the picture"], ["Space", "select it"],
    ["Shift ← →", "select on the way"], ["Ctrl A", "select all"], [".", "star"], ["Delete", "delete, with undo"],
    ["D", "download what is selected"], ["C", "compare two that are selected"],
  ]],
  ["One picture, large", [
    ["← →", "the one before, the next"], ["Home End", "the first, the last"], ["+ −", "larger, smaller"], ["0", "fit"],
    ["I", "how it came to be"], ["S", "copy the seed"], ["M", "more like this"], [".", "star"], ["Esc", "close"],
  ]],
];

export const Help = ({ onClose }) =>
  html`<${Dialog} label="Keys" onClose=${onClose} keys=${{ "?": onClose }}>
    <h2>Keys</h2>
    <div class="keys">
      ${KEYS.map(
        ([name, keys]) => html`<section key=${name}>
          <h3>${name}</h3>
          <dl>
            ${keys.map(([key, what]) => html`<div key=${key}><dt>${key.split(" ").map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd></div>`)}
          </dl>
        </section>`,
      )}
    </div>
    <div class="row end"><button type="button" onClick=${onClose}>Close</button></div>
  <//>`;
