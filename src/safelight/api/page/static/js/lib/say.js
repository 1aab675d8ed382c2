// What is said: aloud to a screen reader, and on slips at the foot of the page.
import { html, signal } from "./html.js";

const spoken = signal("");
const slips = signal([]);
let number = 0;

/** Said politely; the same words twice are said twice. */
export const say = (text) => {
  spoken.value = spoken.value === text ? `${text}\u00a0` : text;
};

/**
 * A slip at the foot of the page for some seconds.
 * @param {string} text
 * @param {{undo?: () => void, wrong?: boolean, seconds?: number, done?: () => void}} how
 *     `done` is called when the slip goes and nobody took it back.
 */
export const slip = (text, { undo, wrong = false, seconds = undo ? 8 : 5, done } = {}) => {
  const id = ++number;
  const away = () => {
    if (!slips.value.some((one) => one.id === id)) return false;
    slips.value = slips.value.filter((one) => one.id !== id);
    clearTimeout(timer);
    return true;
  };
  const timer = setTimeout(() => away() && done?.(), seconds * 1000);
  const back = () => away() && undo();
  slips.value = [...slips.value, { id, text, wrong, undo: undo && back, close: () => away() && done?.() }];
  say(text);
  return { finish: () => away() && done?.() };
};

/** What went wrong, with its reason. */
export const complain = (problem) => {
  if (problem.name === "AbortError" || problem.status === 401) return;
  slip(problem.message, { wrong: true, seconds: 10 });
};

/**
 * Do something, and complain if it fails.
 * @template T @param {() => Promise<T>} deed @returns {Promise<T | null>} what it gave, null if it failed
 */
export const trying = async (deed) => {
  try {
    return await deed();
  } catch (problem) {
    complain(problem);
    return null;
  }
};

/** Who says it: the page, or the topmost dialog, since nothing outside of that can be heard or touched. */
const speakers = signal(["page"]);
export const speak = (name) => (speakers.value = [...speakers.value, name]);
export const hush = (name) => (speakers.value = speakers.value.filter((one) => one !== name));

export const Said = ({ by = "page" }) => speakers.value.at(-1) === by && html`<${Slips} /><${Voice} />`;

const Voice = () => html`<p class="unseen" role="status" aria-live="polite">${spoken.value}</p>`;

const Slips = () =>
  html`<section class="slips" aria-label="Messages"><ul>
    ${slips.value.map(
      (one) => html`<li key=${one.id} class=${one.wrong ? "slip wrong" : "slip"}>
        <span>${one.text}</span>
        ${one.undo && html`<button type="button" class="plain" onClick=${one.undo}>Undo</button>`}
        <button type="button" class="plain small" aria-label="Close this message" onClick=${one.close}>✕</button>
      </li>`,
    )}
  </ul></section>`;
