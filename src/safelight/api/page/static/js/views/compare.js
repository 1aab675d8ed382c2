// Two pictures over each other, with an edge between them that one moves.
import { html, useRef, useState } from "../lib/html.js";
import { fileUrl } from "../lib/api.js";
import { Dialog } from "../parts/dialog.js";
import { inWords } from "../parts/frame.js";

const Label = ({ image, side }) =>
  html`<p class=${`which ${side}`}><b class="number">${image.index}</b> <span class="mono">seed ${image.seed}</span></p>`;

/** @param {{images: object[], character: string, onClose: () => void}} shown two stored images */
export const Compare = ({ images, character, onClose }) => {
  const [edge, setEdge] = useState(50);
  const [swapped, setSwapped] = useState(false);
  const stage = useRef();
  const [left, right] = swapped ? [images[1], images[0]] : images;
  const drag = (event) => {
    if (!event.buttons) return;
    const { left: from, width } = stage.current.getBoundingClientRect();
    setEdge(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - from)) / width))));
  };
  const grab = (event) => {
    event.preventDefault();
    stage.current.setPointerCapture(event.pointerId);
    drag(event);
  };
  const step = (by) => () => setEdge((before) => Math.min(100, Math.max(0, before + by)));
  const swap = () => setSwapped(!swapped);
  const keys = { ArrowLeft: step(-2), ArrowRight: step(2), Home: step(-100), End: step(100), s: swap };
  return html`<${Dialog} label=${`Pictures ${left.index} and ${right.index} compared`} class="large compare" onClose=${onClose} keys=${keys}>
    <div ref=${stage} class="pair" onPointerDown=${grab} onPointerMove=${drag}>
      <img src=${fileUrl(right.id)} alt=${inWords(right, character)} draggable=${false} />
      <img class="over" style=${{ clipPath: `inset(0 ${100 - edge}% 0 0)` }} src=${fileUrl(left.id)} alt=${inWords(left, character)} draggable=${false} />
      <span class="edge" style=${{ left: `${edge}%` }} aria-hidden="true"></span>
    </div>
    <div class="caption">
      <${Label} image=${left} side="left" />
      <input type="range" min="0" max="100" value=${edge} aria-label=${`How much of picture ${left.index} is shown`}
        aria-valuetext=${`${edge} percent of picture ${left.index}`} onInput=${(event) => setEdge(Number(event.target.value))} />
      <${Label} image=${right} side="right" />
      <div class="row">
        <button type="button" class="plain" onClick=${swap}>Swap</button>
        <button type="button" class="plain" onClick=${onClose}>Close</button>
      </div>
    </div>
  <//>`;
};
