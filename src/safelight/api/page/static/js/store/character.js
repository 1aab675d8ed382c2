// A character as it is typed, and as it is sent.
import { loraLines, lorasIn, numberIn } from "./typed.js";

const TEXTS = ["name", "style", "workflow", "prompt", "negative_prompt", "embedding", "sampler", "scheduler"];
const NUMBERS = ["width", "height", "steps", "cfg"];

/** The fields of a kept character, all as text; of none: empty ones. */
export const fieldsOf = (character) => ({
  id: character?.id ?? "",
  ...Object.fromEntries([...TEXTS, ...NUMBERS].map((name) => [name, String(character?.[name] ?? "")])),
  loras: loraLines(character?.loras).join("\n"),
});

/** The body of PUT /v1/characters/{id}. */
export const characterOf = (fields) => {
  const body = {};
  for (const name of TEXTS) if (fields[name].trim() !== "") body[name] = name.includes("prompt") ? fields[name] : fields[name].trim();
  for (const name of NUMBERS) if (fields[name].trim() !== "") body[name] = numberIn(fields[name]);
  const loras = lorasIn(fields.loras);
  if (loras.length) body.loras = loras;
  return body;
};

export const same = (a, b) => Object.keys(a).every((name) => a[name] === b[name]);

/** An id made of a name. @example slugOf("Opal Fever") === "opal-fever" */
export const slugOf = (name) =>
  name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64);
