// One stream of events for the whole page. It comes back by itself and says while it is away.
import { effect, signal } from "./html.js";
import { locked } from "./api.js";
import { url } from "./address.js";

/** "connecting", "live", "away". */
export const connection = signal("connecting");
/** The newest progress of each image that is drawn: {step, steps, preview: number or null, at}. */
export const progress = signal(new Map());

const TYPES = [
  ...["batch.created", "batch.completed", "batch.partial", "batch.failed", "batch.canceled"],
  ...["image.dispatched", "image.queued", "image.stored", "image.failed", "image.canceled"],
  ...["publication.uploaded", "publication.failed"],
];
const listeners = new Set();
let source = null;
let last = null;
let pause = 1000;
let again = 0;

/**
 * Be told of every event: `heard(event)`; with null when anything may have been missed.
 * @returns {() => void} to stop
 */
export const listen = (heard) => {
  listeners.add(heard);
  return () => listeners.delete(heard);
};

const tell = (event) => {
  for (const heard of [...listeners]) heard(event);
};

const open = () => {
  close();
  const from = last ? `?last_event_id=${encodeURIComponent(last)}` : "";
  source = new EventSource(url(`v1/events${from}`));
  source.onopen = () => {
    const missed = connection.value === "away";
    connection.value = "live";
    pause = 1000;
    if (missed) tell(null);
  };
  source.onerror = () => {
    connection.value = "away";
    // The browser comes back after a broken connection, but not after a refusal.
    if (source?.readyState === EventSource.CLOSED) later();
  };
  for (const type of TYPES) source.addEventListener(type, (message) => arrived(message));
  source.addEventListener("reset", (message) => {
    last = message.lastEventId || null;
    tell(null);
  });
  source.addEventListener("progress", (message) => moved(JSON.parse(message.data)));
  source.addEventListener("problem", (message) => {
    if (JSON.parse(message.data).status === 401) locked.value = true;
  });
};

const close = () => {
  clearTimeout(again);
  source?.close();
  source = null;
};

const later = () => {
  close();
  again = setTimeout(open, pause);
  pause = Math.min(pause * 2, 15_000);
};

const arrived = (message) => {
  last = message.lastEventId || last;
  const event = JSON.parse(message.data);
  if (event.image && event.type !== "publication.uploaded" && event.type !== "publication.failed") forget(event.image);
  tell(event);
};

const forget = (image) => {
  if (!progress.value.has(image)) return;
  const rest = new Map(progress.value);
  rest.delete(image);
  progress.value = rest;
};

const moved = ({ image, step, steps, preview }) => {
  const number = preview ? Number(new URL(preview).searchParams.get("n")) : null;
  const before = progress.value.get(image);
  progress.value = new Map(progress.value).set(image, {
    step,
    steps,
    preview: number ?? before?.preview ?? null,
  });
};

// A laptop that was asleep, a network that changed: no need to wait for the next try.
const hurry = () => {
  if (connection.value !== "away" || locked.value) return;
  pause = 1000;
  open();
};
addEventListener("online", hurry);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry());

/** Listen while signed in; another key begins with nothing of the one before. */
export const start = () =>
  effect(() => {
    if (locked.value) {
      close();
      last = null;
      progress.value = new Map();
      connection.value = "connecting";
    } else open();
  });
