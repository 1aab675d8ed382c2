// Workflows: which are kept, whether they are held, and how one of them is made.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Link, go, workflowPath } from "../lib/address.js";
import { get, post, query, remove, workflowAt } from "../lib/api.js";
import { fully } from "../lib/clock.js";
import { listen } from "../lib/live.js";
import { slip, trying } from "../lib/say.js";
import { Sure } from "../parts/dialog.js";
import { OnlyAdmins, admin } from "../parts/only.js";
import { Checked } from "../parts/report.js";
import { keptFiles, take } from "../store/dropped.js";

/** Something of the API: read, and again when asked or when a file was kept. */
const useRead = (path) => {
  const [told, setTold] = useState({ path, answer: null, problem: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => listen((event) => event || setTurn((before) => before + 1)), []);
  useEffect(() => {
    const stop = new AbortController();
    get(path, stop.signal).then(
      (answer) => setTold({ path, answer, problem: null }),
      (problem) => problem.name === "AbortError" || setTold((before) => ({ path, answer: before.path === path && !problem.status ? before.answer : null, problem })),
    );
    return () => stop.abort();
  }, [path, turn, keptFiles.value]);
  return { ...(told.path === path ? told : { answer: null, problem: null }), again: () => setTurn((before) => before + 1) };
};

const Held = ({ id, holds, again }) => {
  const resume = (pool) =>
    trying(async () => {
      await post(`${workflowAt(id)}/resume${query({ pool })}`);
      slip(`${id} is drawn again in ${pool}`);
      again();
    });
  return html`<ul class="notes">${holds.map(
    (one) => html`<li key=${one.pool}><span class="wrong">Held in ${one.pool}: ${one.reason}.</span>
      <span class="quiet"> ${one.backends.length > 0 && `Died while they drew it: ${one.backends.join(", ")}. `}Since ${fully(one.since)}.</span>
      ${" "}<button type="button" class="small" aria-label=${`Resume ${id} in ${one.pool}`} onClick=${() => resume(one.pool)}>Resume</button></li>`,
  )}</ul>`;
};

const FileButton = () => {
  const input = useRef();
  const chosen = (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // the same file may be chosen twice
    if (files.length) take(files, admin());
  };
  return html`<p><button type="button" onClick=${() => input.current.click()}>Check a workflow file</button>
    <input ref=${input} type="file" accept=".json,application/json" hidden onChange=${chosen} />
    <span class="quiet"> or drop one anywhere on this page.</span></p>`;
};

const List = () => {
  const { answer, problem, again } = useRead("v1/workflows");
  return html`<section class="graphs page">
    <h1>Workflows</h1>
    <${FileButton} />
    ${problem && html`<p class="wrong">${problem.message}</p>`}
    ${answer?.data.length === 0 && html`<p>There is none yet. A workflow is a graph of ComfyUI, exported in API format.</p>`}
    <ul class="lines">${answer?.data.map(
      (one) => html`<li key=${one.id} class=${one.held.length ? "held" : ""}>
        <${Link} to=${workflowPath(one.id)}><b>${one.id}</b><//>
        ${one.held.length > 0 && html`<span class="badge">held</span>`}
        <span class="quiet">${[one.read_only && "from safelight.toml", one.exact_size && "exact size only"].filter(Boolean).join(", ")}</span>
        ${one.held.length > 0 && html`<${Held} id=${one.id} holds=${one.held} again=${again} />`}
      </li>`,
    )}</ul>
  </section>`;
};

const Workflow = ({ id }) => {
  const { answer, problem, again } = useRead(workflowAt(id));
  const [asking, setAsking] = useState(false);
  const forget = () =>
    trying(async () => {
      await remove(workflowAt(id));
      slip(`Workflow ${id} forgotten`);
      go("workflows");
    });
  const all = html`<p><${Link} to="workflows">All workflows<//></p>`;
  if (!answer)
    return html`<section class="graphs page" aria-busy=${problem ? undefined : "true"}><h1>${problem?.status === 404 ? "No such workflow" : id}</h1>${problem && html`<p>${problem.message}</p>`}${all}</section>`;
  const { read_only: fixed, exact_size: exact, held, graph, report } = answer;
  return html`<section class="graphs page">
    <header class="row"><h1>${id}</h1>${held.length > 0 && html`<span class="badge">held</span>`}
      ${!fixed && html`<button type="button" onClick=${() => setAsking(true)}>Forget it</button>`}</header>
    <p class="quiet">${fixed ? "It stands in safelight.toml and is changed there." : "To change it, drop its new file here and keep it under the same name."} ${exact && "Pictures of another size than ordered are refused."}</p>
    ${held.length > 0 && html`<${Held} id=${id} holds=${held} again=${again} />`}
    <${Checked} graph=${graph} report=${report} />
    ${all}
    ${asking && html`<${Sure} question=${`Forget the workflow ${id}? What is ordered already is drawn all the same.`} yes="Forget it" onYes=${forget} onClose=${() => setAsking(false)} />`}
  </section>`;
};

export const Workflows = ({ id }) => {
  if (!admin()) return html`<${OnlyAdmins} title="Workflows" what="Workflows can be seen and kept" />`;
  return id === undefined ? html`<${List} />` : html`<${Workflow} key=${id} id=${id} />`;
};
