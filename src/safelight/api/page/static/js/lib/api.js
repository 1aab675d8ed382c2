// The public API and nothing else. Every refusal is a Problem; no connection is one, too.
import { signal } from "./html.js";
import { segments, url } from "./address.js";

class Problem extends Error {
  /** @param {{status: number, code: string, title?: string, detail?: string, errors?: object[]}} told */
  constructor(told) {
    super(told.detail || told.title || "something went wrong");
    Object.assign(this, { errors: [], ...told });
  }
}

/** Seconds that the server's clock is ahead of this one's. */
export const skew = signal(0);
/** Whether a key is asked for. */
export const locked = signal(false);

const AWAY = { status: 0, code: "away", detail: "Safelight does not answer. It is asked again." };

/**
 * @param {string} path below the page's folder
 * @param {{method?: string, body?: unknown, json?: string, headers?: Record<string, string>, signal?: AbortSignal}} what
 *     `json`: a body that is text already, with the numbers it came with
 * @returns {Promise<any>} the JSON of the answer, null for an empty one
 */
export const ask = async (path, { method = "GET", body, json, headers = {}, signal: until } = {}) => {
  const sent = { method, headers: { accept: "application/json", ...headers }, signal: until };
  if (body !== undefined || json !== undefined) {
    sent.body = json ?? JSON.stringify(body);
    sent.headers["content-type"] = "application/json";
  }
  const answer = await reach(path, sent);
  note(answer);
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  const problem = new Problem({
    ...told,
    status: answer.status,
    code: told.code ?? told.type?.split(/[/#:]/).pop() ?? "problem",
    detail: told.detail ?? `The server answered ${answer.status}.`,
    retryAfter: Number(answer.headers.get("retry-after")) || null,
  });
  if (answer.status === 401) locked.value = true;
  throw problem;
};

const reach = async (path, sent) => {
  try {
    return await fetch(url(path), sent);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(AWAY);
  }
};

const note = (answer) => {
  const at = Date.parse(answer.headers.get("date") ?? "");
  if (!at) return;
  const ahead = (at - Date.now()) / 1000;
  skew.value = Math.abs(ahead) > 2 ? ahead : 0;
};

export const get = (path, until) => ask(path, { signal: until });
export const post = (path, body, headers) => ask(path, { method: "POST", body, headers });
export const put = (path, body) => ask(path, { method: "PUT", body });
export const remove = (path) => ask(path, { method: "DELETE" });

/** What is wrong with one field of a body that was refused. */
export const wrongField = (problem, name) =>
  problem?.errors?.find((one) => one.pointer === `/${name}` || one.pointer?.startsWith(`/${name}/`))?.detail;

/** A query without what is not said. @param {Record<string, unknown>} fields */
export const query = (fields) => {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
};

// Where things of the API are, below the page's folder.
export const batchAt = (id) => `v1/batches/${segments(id)}`;
export const imageAt = (id) => `v1/images/${segments(id)}`;
export const seriesAt = (user, character) => `v1/series/${segments(user, character)}`;
export const characterAt = (id) => `v1/characters/${segments(id)}`;
export const workflowAt = (id) => `v1/workflows/${segments(id)}`;

// And of what a browser fetches by itself, whole.
export const fileUrl = (id) => url(`${imageAt(id)}/file`);
export const thumbnailUrl = (id, width) => url(`${imageAt(id)}/thumbnail?width=${width}`);
export const previewUrl = (id, number) => url(`${imageAt(id)}/preview?quiet=true&n=${number}`);
/** @param {string} indices "13,10-4", or "" for all that has a file */
export const zipUrl = (user, character, indices) => url(`${seriesAt(user, character)}/download.zip${query({ indices })}`);
