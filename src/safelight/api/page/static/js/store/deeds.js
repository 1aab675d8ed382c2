// What one can do to batches and images, said and taken back in one way everywhere.
import { url } from "../lib/address.js";
import { ask, batchAt, imageAt, post, remove } from "../lib/api.js";
import { slip, trying } from "../lib/say.js";
import { signal } from "../lib/html.js";
import { learn, learnImage } from "./batches.js";

const DAY = 86_400; // s
/** Images that are as good as deleted: they can still be taken back. */
export const doomed = signal(new Set());

export const cancelBatch = (id) => trying(async () => learn(await post(`${batchAt(id)}/cancel`)));
export const retryBatch = (id) => trying(async () => learn(await post(`${batchAt(id)}/retry`)));
const told = async (answer) => {
  const image = await answer;
  learnImage(image);
  return image;
};
export const cancelImage = (id) => trying(() => told(post(`${imageAt(id)}/cancel`)));
export const retryImage = (id) => trying(() => told(post(`${imageAt(id)}/retry`)));
export const publishAgain = (id) => trying(() => told(post(`${imageAt(id)}/publications/retry`)));
export const star = (image) =>
  trying(() => told(ask(`${imageAt(image.id)}/star`, { method: image.starred_at ? "DELETE" : "PUT" })));

/**
 * Delete pictures after a time in which it can be taken back; a page that is left deletes at once.
 * @param {{id: string, index: number}[]} images
 * @param {(ids: string[]) => void} gone what to do when they are
 */
export const deleteImages = (images, gone = () => {}) => {
  const ids = images.map((one) => one.id);
  doomed.value = new Set([...doomed.value, ...ids]);
  const spare = () => (doomed.value = new Set([...doomed.value].filter((id) => !ids.includes(id))));
  const really = async () => {
    removeEventListener("pagehide", leaving);
    const taken = [];
    for (const id of ids) if (await trying(() => told(remove(imageAt(id))))) taken.push(id);
    gone(taken);
    spare();
  };
  const words = ids.length === 1 ? `Picture ${images[0].index} deleted` : `${ids.length} pictures deleted`;
  const undo = () => {
    removeEventListener("pagehide", leaving);
    spare();
  };
  const note = slip(words, { undo, done: really });
  const leaving = () => {
    for (const id of ids) fetch(url(imageAt(id)), { method: "DELETE", keepalive: true });
  };
  addEventListener("pagehide", leaving);
  return note;
};

/** A link to a picture that needs no key, for whoever it is sent to. */
export const share = (id) =>
  trying(async () => {
    const signed = await post(`${imageAt(id)}/links`, { expires_in: DAY });
    await write(url(`${imageAt(id)}/file${new URL(signed.url).search}`));
    slip("Copied: a link that opens this picture for a day, without a key");
  });

export const copy = (text, what) =>
  trying(async () => {
    await write(String(text));
    slip(`${what} copied`, { seconds: 3 });
  });

// A page on plain http has no clipboard of its own; there the old way works.
const write = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
};
