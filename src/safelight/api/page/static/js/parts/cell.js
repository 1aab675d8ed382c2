// One place of a contact sheet: the picture, its number at the edge, and a mark in grease pencil.
import { html, useRef } from "../lib/html.js";
import { nameOf } from "../store/catalogue.js";
import { isThere } from "../store/batches.js";
import { retryImage } from "../store/deeds.js";
import { Inside, inWords } from "./frame.js";
import { Marks } from "./marks.js";
import { widthFor } from "./picture.js";

const LONG = 450; // ms a finger rests until it marks
const MOVED = 10; // px until it scrolls instead

// Drawn by hand, so no two look the same side by side.
const STROKES = [
  "M9 13C30 5 72 4 92 9 97 30 96 70 93 92 70 97 30 96 7 92 3 70 4 30 10 8",
  "M12 8C40 4 70 6 94 7 96 40 97 66 91 94 66 96 34 97 8 93 5 60 3 40 7 12L14 6",
  "M6 10C34 7 60 3 93 8 98 36 94 64 95 93 60 95 36 98 6 94 2 66 6 34 5 6",
];

const Pencil = ({ index }) =>
  html`<svg class="pencil" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
    <path d=${STROKES[index % STROKES.length]} vector-effect="non-scaling-stroke" />
  </svg>`;

const words = (image, index, character) => {
  if (image && !image.gone) return inWords(image, character) + (image.starred_at ? ", starred" : "");
  return `Picture ${index} of ${nameOf(character)}, ${image ? "no longer here" : "loading"}`;
};

/** A finger that rests marks; what follows is no click. */
const useRest = (onRest) => {
  const rest = useRef({});
  const end = () => clearTimeout(rest.current.timer);
  return {
    onPointerDown: (event) => {
      if (event.pointerType !== "touch") return void (rest.current = {});
      const timer = setTimeout(() => ((rest.current.marked = true), onRest()), LONG);
      rest.current = { timer, touched: true, x: event.clientX, y: event.clientY };
    },
    onPointerMove: ({ clientX, clientY }) => {
      if (Math.hypot(clientX - rest.current.x, clientY - rest.current.y) > MOVED) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
    onContextMenu: (event) => rest.current.touched && event.preventDefault(),
    onClickCapture: (event) => {
      if (!rest.current.marked) return;
      rest.current = {};
      event.preventDefault();
      event.stopPropagation();
    },
  };
};

/**
 * @param {{
 *   index: number, image: object | null, character: string, column: number, width: number,
 *   chosen: boolean, tabbable: boolean, onPress: (index: number, event: MouseEvent) => void, onMark: (index: number) => void,
 * }} shown
 */
export const Cell = ({ index, image, character, column, width, chosen, tabbable, onPress, onMark }) => {
  const rest = useRest(() => onMark(index));
  const known = image && !image.gone;
  const hole = image && (image.gone || image.deleted_at);
  const kind = `frame ${known ? image.status : "blank"}${hole ? " hole" : ""}${chosen ? " chosen" : ""}`;
  return html`<div role="gridcell" class=${kind} aria-colindex=${column + 1} aria-selected=${chosen ? "true" : "false"}>
    <button type="button" class="shot" data-index=${index} tabindex=${tabbable ? 0 : -1} aria-label=${words(image, index, character)}
      aria-disabled=${isThere(image) ? undefined : "true"} onClick=${(event) => onPress(index, event)} ...${rest}>
      ${known && html`<${Inside} image=${image} character=${character} width=${widthFor(width * Math.min(devicePixelRatio, 2))} eager />`}
      ${!known && html`<span class="nothing number">${image ? "gone" : index}</span>`}
    </button>
    <button type="button" class="tick" tabindex="-1" aria-pressed=${chosen ? "true" : "false"} aria-label=${`Select picture ${index}`} onClick=${(event) => onMark(index, event)}></button>
    ${chosen && html`<${Pencil} index=${index} />`}
    <div class="rebate">
      <span class="number">${index}</span>
      ${known && image.starred_at && html`<span class="starred" aria-hidden="true">★</span>`}
      ${known && width > 150 && html`<${Marks} publications=${image.publications} />`}
      ${known && image.status === "failed" && !hole && html`<span class="deeds">
        <button type="button" class="small" aria-label=${`Try picture ${index} again`} onClick=${() => retryImage(image.id)}>Again</button>
      </span>`}
    </div>
  </div>`;
};
