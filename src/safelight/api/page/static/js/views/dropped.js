// A workflow file that is dropped anywhere on the page, and what becomes of it.
import { html, signal, useEffect, useState } from "../lib/html.js";
import { go, workflowPath } from "../lib/address.js";
import { locked, wrongField } from "../lib/api.js";
import { say, slip } from "../lib/say.js";
import { Dialog } from "../parts/dialog.js";
import { Field } from "../parts/field.js";
import { admin } from "../parts/only.js";
import { Checked, Refused } from "../parts/report.js";
import { plain } from "../store/graph.js";
import { check, dropped, idOf, keepAs, slotsOf, take, taken } from "../store/dropped.js";

const over = signal(false);
const files = (event) => event.dataTransfer?.types.includes("Files") && !locked.value;

addEventListener("dragenter", (event) => files(event) && (over.value = true));
addEventListener("dragleave", (event) => event.relatedTarget === null && (over.value = false));
addEventListener("dragend", () => (over.value = false));
addEventListener("dragover", (event) => files(event) && event.preventDefault());
addEventListener("drop", (event) => {
  over.value = false;
  if (!files(event)) return;
  event.preventDefault();
  take([...event.dataTransfer.files], admin());
});

const Keep = ({ name, slots, onClose }) => {
  const [id, setId] = useState(idOf(name));
  const [there, setThere] = useState(new Map());
  const [exact, setExact] = useState(false);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => void taken().then(setThere, () => {}), []);
  const fixed = there.get(id) === false;
  const keep = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await keepAs(id, slots, exact);
      onClose();
      slip(`Workflow ${id} kept`);
      go(workflowPath(id));
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  const wrong = fixed ? "This one stands in safelight.toml and is changed there. Take another name." : problem && (wrongField(problem, "id") || problem.message);
  const hint = there.get(id) ? "There is one of this name. It will be replaced; what is ordered already is drawn as it was." : "Lower-case letters, digits and hyphens.";
  return html`<form class="keep" onSubmit=${keep}>
    <${Field} label="Keep as" value=${id} onInput=${(text) => (setId(text), setProblem(null))} wrong=${wrong} hint=${hint} autocomplete="off" spellcheck=${false} maxlength=${64} />
    <label class="check"><input type="checkbox" checked=${exact} onChange=${(event) => setExact(event.target.checked)} /> Refuse pictures of another size than ordered</label>
    <div class="row end">
      <button type="button" onClick=${onClose}>Close</button>
      <button class="strong" disabled=${busy || !id || fixed}>${there.get(id) ? "Replace" : "Keep"} ${id || "it"}</button>
    </div>
  </form>`;
};

/** Where the check is in doubt, or one knows better. */
const Named = ({ lines, onLines, open, busy }) =>
  html`<details open=${open}><summary>Name slots yourself</summary>
    <${Field} label="One a line" rows=${3} value=${lines} onInput=${onLines} placeholder=${"output = 9\nprompt = 6.text"} hint="What is left out is found in the graph." />
    <p><button type="button" disabled=${busy} onClick=${() => check(slotsOf(lines))}>Check again</button></p>
  </details>`;

const Verdict = ({ one, onClose }) => {
  const [lines, setLines] = useState("");
  useEffect(() => {
    if (!one.checking) say(one.report ? "The workflow can be drawn" : "The workflow cannot be used");
  }, [one]);
  if (one.checking && !one.report && !one.problem) return html`<p class="quiet" aria-busy="true">Being checked…</p>`;
  // Wrong slots are the person's, not the graph's; and who could not ask knows nothing of it.
  const named = one.problem?.code === "bad-slot";
  const bad = named ? "Its slots are in doubt." : one.problem?.status === 422 ? "It cannot be used." : "It could not be checked.";
  return html`
    <p class=${one.report ? "verdict good" : "verdict wrong"}>${one.report ? "It can be drawn." : bad}</p>
    ${one.report && html`<${Checked} graph=${one.graph} report=${one.report} />`}
    ${one.problem && html`<${Refused} graph=${one.graph} problem=${one.problem} />`}
    ${(one.report || named) && html`<${Named} lines=${lines} onLines=${setLines} open=${named || lines !== ""} busy=${one.checking} />`}
    ${one.report ? html`<${Keep} name=${one.name} slots=${slotsOf(lines)} onClose=${onClose} />` : html`<div class="row end"><button type="button" onClick=${onClose}>Close</button></div>`}`;
};

export const Dropped = () => {
  const one = dropped.value;
  const close = () => (dropped.value = null);
  return html`
    ${over.value && html`<div class="drop-hint"><p>Drop a workflow to have it checked<small>a .json file, exported from ComfyUI in API format</small></p></div>`}
    ${one && html`<${Dialog} key=${one.text ?? one.name} label=${`The file ${plain(one.name, 80)}`} class="paper wide" onClose=${close}>
      <h2>${plain(one.name, 80)}</h2>
      ${one.words ? html`<p class="wrong" role="alert">${one.words}</p><div class="row end"><button type="button" onClick=${close}>Close</button></div>` : html`<${Verdict} one=${one} onClose=${close} />`}
    <//>`}`;
};
