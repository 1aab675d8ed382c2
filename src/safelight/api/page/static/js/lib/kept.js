// What this browser keeps of the last order, for whom it was made and for nobody else.
import { session } from "./session.js";

const place = () => `safelight:${session.value?.key ?? "open"}:`;

/** @param {string} name @param {any} otherwise */
export const kept = (name, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(place() + name)) ?? otherwise;
  } catch {
    return otherwise; // a browser that keeps nothing, or something that is not ours
  }
};

export const keep = (name, value) => {
  try {
    localStorage.setItem(place() + name, JSON.stringify(value));
  } catch {
    // Full or forbidden: then the next visit begins empty.
  }
};

/** Whoever leaves takes what they typed with them. */
export const forgetAll = () => {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(place())) localStorage.removeItem(name);
  } catch {
    // Nothing was kept.
  }
};
