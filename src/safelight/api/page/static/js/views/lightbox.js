// One picture, large, among the others of its roll.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { go } from "../lib/address.js";
import { batchAt, fileUrl, get, imageAt, thumbnailUrl } from "../lib/api.js";
import { keep, kept } from "../lib/kept.js";
import { complain, say, trying } from "../lib/say.js";
import { Dialog } from "../parts/dialog.js";
import { inWords } from "../parts/frame.js";
import { Marks } from "../parts/marks.js";
import { Story } from "../parts/story.js";
import { useZoom } from "../parts/zoom.js";
import { isThere } from "../store/batches.js";
import { copy, deleteImages, star } from "../store/deeds.js";
import { likeThis } from "../store/order.js";
import { nameOf } from "../store/catalogue.js";

const STEP = 1.5; // times larger by a key

/** Everything that is known of an image, null until it is there. */
const useStory = (id) => {
  const [story, setStory] = useState(null);
  const mark = useRef(id);
  mark.current = id;
  const read = () => id && get(imageAt(id)).then((told) => mark.current === told.id && setStory(told), complain);
  useEffect(() => void read(), [id]);
  return [story?.id === id ? story : null, read];
};

const moreLikeThis = ({ id }) =>
  trying(async () => {
    const { batch } = await get(imageAt(id));
    likeThis(await get(batchAt(batch)));
    go("");
    say("The order is filled in as it was for this picture");
  });

const Tools = ({ image, told, onTold, onStar, onDelete, onMore, onClose }) =>
  html`<div class="row">
    <button type="button" class="plain" aria-pressed=${Boolean(image.starred_at)} title="Star (.)" onClick=${onStar}>
      <span aria-hidden="true">${image.starred_at ? "★" : "☆"}</span><span class="unseen">Star</span>
    </button>
    <button type="button" class="plain" title="How it came to be (I)" aria-expanded=${told} onClick=${onTold}>Info</button>
    <button type="button" class="plain" title="Order more like this (M)" onClick=${onMore}>More like this</button>
    <a class="button plain" title="Download (D)" href=${fileUrl(image.id)} download=${image.name}>Download</a>
    <button type="button" class="plain" title="Delete (Del)" onClick=${onDelete}>Delete</button>
    <button type="button" class="plain" title="Close (Esc)" onClick=${onClose}>Close</button>
  </div>`;

const Stage = ({ image, character, zoom, onTurn, first, last }) => {
  const [ready, setReady] = useState("");
  const style = { transform: `translate(${zoom.view.x}px, ${zoom.view.y}px) scale(${zoom.view.scale})` };
  return html`<div class="stage" ...${zoom.stage}>
    ${ready !== image.id && html`<img class="below" style=${style} src=${thumbnailUrl(image.id, 640)} alt="" draggable=${false} />`}
    <img key=${image.id} style=${style} src=${fileUrl(image.id)} alt=${inWords(image, character)} draggable=${false} onLoad=${() => setReady(image.id)} />
    ${!first && html`<button type="button" class="plain turn" aria-label="The one before" onClick=${() => onTurn(-1)}>‹</button>`}
    ${!last && html`<button type="button" class="plain turn next" aria-label="The next" onClick=${() => onTurn(1)}>›</button>`}
  </div>`;
};

// The neighbours are fetched while one looks, so that turning the page shows them at once.
const useNeighbours = (roll, position) =>
  useEffect(() => {
    for (const near of [position - 1, position + 1]) {
      if (near < 0 || near >= roll.length) continue;
      roll.need?.(near);
      const image = roll.at(near);
      if (isThere(image)) new Image().src = fileUrl(image.id);
    }
  }, [roll, position]);

/**
 * @param {{
 *   roll: {length: number, at: (position: number) => object | null, positionOf: (index: number) => number, need?: (position: number) => void},
 *   index: number, character: string, onIndex: (index: number) => void, onClose: () => void, onGone?: (ids: string[]) => void,
 * }} shown `index` is the image that is shown; whoever shows this changes it when `onIndex` asks
 */
export const Lightbox = ({ roll, index, character, onIndex, onClose, onGone }) => {
  const [told, setTold] = useState(() => kept("told", false));
  const position = roll.positionOf(index);
  const image = roll.at(position);
  const [story, readStory] = useStory(image?.id);
  const wanted = useRef(null);
  const goTo = (to) => {
    const target = Math.min(Math.max(to, 0), roll.length - 1);
    roll.need?.(target);
    const there = roll.at(target);
    wanted.current = there ? null : target;
    if (there && there.index !== index) onIndex(there.index);
  };
  // One that was not loaded when it was asked for is turned to when it is.
  useEffect(() => {
    if (wanted.current !== null && roll.at(wanted.current)) goTo(wanted.current);
  });
  const turn = (step) => goTo((wanted.current ?? position) + step);
  const zoom = useZoom(image?.id, turn);
  useNeighbours(roll, position);
  useEffect(() => {
    if (image) say(`${inWords(image, character)}, ${position + 1} of ${roll.length}`);
  }, [image?.id]);

  const toggle = () => {
    keep("told", !told);
    setTold(!told);
  };
  const mark = async () => {
    if (image && (await star({ ...image, starred_at: (story ?? image).starred_at }))) readStory();
  };
  const away = () => {
    deleteImages([image], onGone);
    if (roll.length > 1) turn(position + 1 < roll.length ? 1 : -1);
    else onClose();
  };
  const save = () => {
    const link = Object.assign(document.createElement("a"), { href: fileUrl(image.id), download: image.name });
    link.click();
  };
  const more = () => moreLikeThis(image);
  const keys = {
    ...{ ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), Home: () => goTo(0), End: () => goTo(roll.length - 1) },
    ...{ "+": () => zoom.by(STEP), "=": () => zoom.by(STEP), "-": () => zoom.by(1 / STEP), 0: zoom.fit, i: toggle },
    ...{ s: () => copy(image.seed, "Seed"), m: more, ".": mark, Delete: away, d: save },
  };
  if (!image) return html`<${Dialog} label="Picture" class="large" onClose=${onClose}><p class="caption">…</p><//>`;
  const now = { ...image, starred_at: (story ?? image).starred_at };
  return html`<${Dialog} label=${`Picture ${image.index} of ${nameOf(character)}`} class="large" onClose=${onClose} keys=${keys}>
    <${Stage} image=${image} character=${character} zoom=${zoom} onTurn=${turn} first=${position === 0} last=${position === roll.length - 1} />
    <div class="caption">
      <span class="number">${image.index}</span>
      <span class="quiet">${position + 1} of ${roll.length}</span>
      <span class="seed">Seed <b class="mono">${image.seed}</b>
        <button type="button" class="small" title="Copy the seed (S)" onClick=${() => copy(image.seed, "Seed")}>Copy<span class="unseen"> the seed</span></button>
      </span>
      <${Marks} publications=${image.publications} />
      <${Tools} image=${now} told=${told} onTold=${toggle} onStar=${mark} onDelete=${away} onMore=${more} onClose=${onClose} />
    </div>
    ${told && html`<aside class="story" tabindex="0" aria-label="How it came to be"><h2>How it came to be</h2>${story && html`<${Story} image=${story} />`}</aside>`}
  <//>`;
};
