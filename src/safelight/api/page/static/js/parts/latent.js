// Previews while an image is drawn. One is shown until the next has arrived, the last until the
// picture itself is decoded; so nothing flickers and nothing jumps.
import { html, signal, useEffect } from "../lib/html.js";
import { previewUrl } from "../lib/api.js";
import { progress } from "../lib/live.js";

/** image id -> address of its newest preview, in this browser's memory */
const shown = signal(new Map());
const asking = new Set();

const fetchPreview = async (id, number) => {
  if (asking.has(id)) return;
  asking.add(id);
  try {
    const answer = await fetch(previewUrl(id, number));
    if (answer.status === 200) put(id, URL.createObjectURL(await answer.blob()));
  } catch {
    // The next one comes within a second.
  }
  asking.delete(id);
};

const put = (id, address) => {
  const next = new Map(shown.peek());
  if (next.has(id)) URL.revokeObjectURL(next.get(id));
  if (address) next.set(id, address);
  else next.delete(id);
  shown.value = next;
};

/** The latest preview of an image; `kept` while it is shown under what follows it. */
export const Latent = ({ id, developing = true }) => {
  const number = progress.value.get(id)?.preview ?? null;
  useEffect(() => {
    if (developing && number !== null) fetchPreview(id, number);
  }, [id, number, developing]);
  // Under the finished picture it is needed for a moment only.
  useEffect(() => (developing ? undefined : () => put(id, null)), [id, developing]);
  const address = shown.value.get(id);
  return address ? html`<img class="latest" src=${address} alt="" draggable=${false} />` : null;
};

export const forgetPreviews = () => {
  for (const address of shown.peek().values()) URL.revokeObjectURL(address);
  shown.value = new Map();
};
