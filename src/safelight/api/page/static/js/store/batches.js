// Batches that something on the page shows: read when first shown, read again when told.
import { signal, useEffect, useMemo } from "../lib/html.js";
import { batchAt, get } from "../lib/api.js";
import { listen } from "../lib/live.js";

const PACE = 250; // ms between two readings of one batch
const EXPECTED = 5000; // ms until what is expected of an unfinished batch is asked for again
const MOST = 500; // batches that are remembered though nothing shows them
export const ENDED = new Set(["completed", "partial", "failed", "canceled"]);
export const OPEN = new Set(["queued", "dispatched"]);
/** Whether an image, if any, is a picture one can look at. */
export const isThere = (image) => image?.status === "stored" && !image.deleted_at;

/** id -> {state: signal({batch, problem}), watchers, timer, busy, again} */
const known = new Map();

const entry = (id) => {
  if (!known.has(id)) known.set(id, { state: signal({ batch: null, problem: null }), watchers: 0, timer: 0, busy: false, again: false });
  return known.get(id);
};

/** Put what an answer said of a batch where everything that shows it looks. */
export const learn = (batch) => {
  entry(batch.id).state.value = { batch, problem: null };
  return batch;
};

/** Whoever else shows images hears what answers said of one. */
export const taught = new Set();

/** Put what an answer said of one image of a batch there. */
export const learnImage = (image) => {
  for (const learn of taught) learn(image);
  const found = known.get(image.batch)?.state;
  if (!found?.value.batch) return;
  const images = found.value.batch.images.map((one) => (one.id === image.id ? { ...one, ...image } : one));
  found.value = { ...found.value, batch: { ...found.value.batch, images } };
};

/** Read a batch that is known, at once. */
export const readBatch = async (id) => {
  const one = entry(id);
  if (one.busy) return void (one.again = true);
  one.busy = true;
  clearTimeout(one.timer);
  let away = false;
  try {
    const batch = await get(batchAt(id));
    if (known.get(id) !== one) return; // asked for with another key
    learn(batch);
  } catch (problem) {
    // Where only the connection is gone, what was known goes on being shown.
    away = !problem.status;
    if (problem.status) one.state.value = { batch: problem.status === 404 ? null : one.state.value.batch, problem };
  }
  one.busy = false;
  const { batch } = one.state.value;
  if (one.again) later(id, PACE);
  else if (one.watchers && (away || (batch && !ENDED.has(batch.status)))) later(id, EXPECTED);
  one.again = false;
};

const later = (id, pause) => {
  const one = entry(id);
  if (one.busy) return void (one.again = true); // what is being read may be older than what is told
  clearTimeout(one.timer);
  one.timer = setTimeout(() => readBatch(id), pause);
};

// What an event says for certain is shown at once; the rest is read, at a pace.
const STATES = { "image.dispatched": "dispatched", "image.queued": "queued", "image.stored": "stored", "image.failed": "failed", "image.canceled": "canceled" };

listen((event) => {
  if (!event) {
    for (const [id, one] of known) if (one.watchers) readBatch(id);
    return;
  }
  const one = known.get(event.batch);
  if (!one?.watchers) return;
  const status = STATES[event.type];
  if (status) learnImage({ batch: event.batch, id: event.image, status, ...(status === "dispatched" ? { dispatched_at: event.at } : {}) });
  if (event.type.startsWith("batch.")) readBatch(event.batch);
  else later(event.batch, PACE);
});

/** Everything known is forgotten: somebody else sits here now. */
export const forgetBatches = () => known.clear();

/**
 * A batch while a component is shown: {batch, problem}, `batch` null until it is known.
 * @param {string} id
 */
export const useBatch = (id) => {
  const one = useMemo(() => entry(id), [id]);
  useEffect(() => {
    known.set(id, one); // it may have been let go between the first look and now
    one.watchers += 1;
    if (one.watchers === 1) readBatch(id);
    return () => {
      one.watchers -= 1;
      if (one.watchers) return;
      clearTimeout(one.timer);
      if (known.size > MOST) known.delete(id);
    };
  }, [id]);
  return one.state.value;
};
