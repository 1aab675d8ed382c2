// A workflow from a file: read, checked, kept. Whoever drops a file hears what it is.
import { signal } from "../lib/html.js";
import { ask, get, workflowAt } from "../lib/api.js";
import { slugOf } from "./character.js";

const LARGEST = 1_048_576; // bytes, as the server takes them
const ROOM = '{"graph":,"slots":}'.length + 400; // what goes around the graph

/**
 * null, or what was dropped: {name, text, graph, checking, report, problem, words}.
 * `words`: it is no workflow, and why.
 */
export const dropped = signal(null);

/** How many were kept: who shows workflows reads them again. */
export const keptFiles = signal(0);

/** The names of slots, one a line: `output = 3`. */
export const slotsOf = (lines) =>
  Object.fromEntries(
    lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
      const [name, ...place] = line.split("=");
      return [name.trim(), place.join("=").trim().replace(/^"(.*)"$/, "$1")];
    }),
  );

// The text of the file itself: a browser would round the seeds of a graph, which may have 64 bits.
const bodyOf = (text, slots, exact) =>
  `{"graph":${text}${Object.keys(slots).length ? `,"slots":${JSON.stringify(slots)}` : ""}${exact ? ',"exact_size":true' : ""}}`;

const json = (text) => {
  try {
    return { graph: JSON.parse(text) };
  } catch {
    return null;
  }
};

/** An id made of a file’s name. @example idOf("My Portrait (2).json") === "my-portrait-2" */
export const idOf = (name) => slugOf(name.replace(/\.json$/i, ""));

/** Check what was dropped again, with slots that somebody named. */
export const check = async (slots = {}) => {
  const before = dropped.value;
  dropped.value = { ...before, checking: true };
  const after = { ...before, checking: false, report: null, problem: null };
  try {
    after.report = (await ask("v1/workflow-checks", { method: "POST", json: bodyOf(before.text, slots) })).report;
  } catch (problem) {
    after.problem = problem;
  }
  // Meanwhile it may have been closed, or another dropped.
  if (dropped.value?.text === before.text) dropped.value = after;
};

/** @param {File[]} files @param {boolean} allowed whether this key may check workflows */
export const take = async (files, allowed) => {
  const [file] = files;
  const name = file?.name ?? "";
  const no = (words) => (dropped.value = { name, words });
  if (!allowed) return no("Workflows are checked and kept with an administrator’s key. Yours may order and look at pictures.");
  if (files.length !== 1) return no("One file at a time, please.");
  if (file.size + ROOM > LARGEST) return no("This file is larger than 1 MiB. No workflow is: was it exported in API format, and is it the right file?");
  const text = await file.text().catch(() => null);
  if (text === null) return no("This cannot be read as a file.");
  const read = json(text);
  if (!read) return no("This is not JSON. ComfyUI writes a workflow with Workflow > Export (API) into a .json file; drop that one.");
  dropped.value = { name, text, graph: read.graph, checking: true };
  await check();
};

/** The workflows that are there: id -> whether it can be replaced. */
export const taken = async () => new Map((await get("v1/workflows")).data.map((one) => [one.id, !one.read_only]));

export const keepAs = async (id, slots, exact) => {
  await ask(workflowAt(id), { method: "PUT", json: bodyOf(dropped.value.text, slots, exact) });
  keptFiles.value += 1;
};
