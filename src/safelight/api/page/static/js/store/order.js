// An order as it is typed, and as it is sent.
import { signal } from "../lib/html.js";
import { keep, kept } from "../lib/kept.js";
import { session } from "../lib/session.js";
import { loraLines, lorasIn, numberIn } from "./typed.js";

const EMPTY = {
  ...{ user: "me", character: "", quantity: "4", prompt: "", negative_prompt: "", seed: "", width: "", height: "" },
  ...{ steps: "", cfg: "", style: "", loras: "" },
};
const NUMBERS = ["seed", "width", "height", "steps", "cfg"];
const TEXTS = ["negative_prompt", "style"];

/** What stands in the fields, all as text. */
export const fields = signal({ ...EMPTY });

export const recall = () => {
  const before = kept("order", {});
  const text = Object.keys(EMPTY).filter((name) => typeof before[name] === "string");
  fields.value = { ...EMPTY, ...Object.fromEntries(text.map((name) => [name, before[name]])) };
  const mine = session.value?.users; // whom this key may order for; null: everybody
  if (mine?.length && !mine.includes(fields.value.user)) fields.value = { ...fields.value, user: mine[0] };
};

export const change = (some) => {
  fields.value = { ...fields.value, ...some };
  keep("order", fields.value);
};

/** Fill the fields with what a batch named; `seed` of one of its pictures, or none. */
export const likeThis = (batch, seed = "") => {
  const named = batch.parameters ?? {};
  const text = [...NUMBERS, ...TEXTS].map((name) => [name, named[name] === undefined ? "" : String(named[name])]);
  change({
    ...Object.fromEntries(text),
    ...{ user: batch.user, character: batch.character, prompt: batch.prompt, seed: String(seed) },
    loras: loraLines(named.loras).join("\n"),
  });
};

/** The body of POST /v1/batches. */
export const bodyOf = (now) => {
  const body = { user: now.user.trim(), character: now.character, prompt: now.prompt, quantity: numberIn(now.quantity) };
  for (const name of NUMBERS) if (now[name].trim() !== "") body[name] = numberIn(now[name]);
  for (const name of TEXTS) if (now[name].trim() !== "") body[name] = now[name].trim();
  const loras = lorasIn(now.loras);
  if (loras.length) body.loras = loras;
  return body;
};
