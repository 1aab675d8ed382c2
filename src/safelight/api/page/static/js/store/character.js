// A character as it is typed, and as it is sent.
import { lorasOf } from "./order.js";

const TEXTS = ["name", "style", "workflow", "prompt", "negative_prompt", "embedding", "sampler", "scheduler"];
const NUMBERS = ["width", "height", "steps", "cfg"];

/** The fields of a kept character, all as text; of none: empty ones. */
export const fieldsOf = (character) => ({
  id: character?.id ?? "",
  ...Object.fromEntries([...TEXTS, ...NUMBERS].map((name) => [name, String(character?.[name] ?? "")])),
  loras: (character?.loras ?? []).map(({ name, strength }) => `${name} ${strength}`).join("\n"),
});

/** The body of PUT /v1/characters/{id}; a field that is no number goes as it is, and is refused by name. */
export const characterOf = (fields) => {
  const body = {};
  for (const name of TEXTS) if (fields[name].trim() !== "") body[name] = name.includes("prompt") ? fields[name] : fields[name].trim();
  for (const name of NUMBERS) {
    const text = fields[name].trim();
    if (text !== "") body[name] = Number.isFinite(Number(text)) ? Number(text) : text;
  }
  const loras = lorasOf(fields.loras);
  if (loras.length) body.loras = loras;
  return body;
};

export const same = (a, b) => Object.keys(a).every((name) => a[name] === b[name]);

/** An id made of a name. @example slugOf("Opal Fever") === "opal-fever" */
export const slugOf = (name) =>
  name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64);
