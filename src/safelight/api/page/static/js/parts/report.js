// What the check of a workflow found: the verdict, its slots, what it does without, its classes.
import { html, useMemo } from "../lib/html.js";
import { count } from "../lib/clock.js";
import { faultsByNode, plain } from "../store/graph.js";
import { Drawing } from "./graph.js";

const Slots = ({ slots }) =>
  html`<dl class="slots" aria-label="Slots">${Object.entries(slots).map(([name, place]) => html`<div key=${name}><dt>${name}</dt><dd><code>${place}</code></dd></div>`)}</dl>`;

/** @param {{graph: object, report: {slots: object, missing: string[], notes: string[], classes: string[], output: string}}} shown */
export const Checked = ({ graph, report }) =>
  html`<${Drawing} graph=${graph} slots=${report.slots} output=${report.output} />
    <div class="report">
      <${Slots} slots=${report.slots} />
      ${report.notes.length > 0 && html`<h3>Worth knowing</h3><ul class="notes">${report.notes.map((note) => html`<li key=${note}>${plain(note, 400)}</li>`)}</ul>`}
      ${report.missing.length > 0 && html`<p>It does without: ${report.missing.join(", ")}. <span class="quiet">An order that names one of them is refused.</span></p>`}
      <details><summary>${count(report.classes.length, "class", "classes")} of nodes that a backend must have</summary>
        <ul class="classes">${report.classes.map((one) => html`<li key=${one}><code>${plain(one, 80)}</code></li>`)}</ul></details>
    </div>`;

/** Why a graph was refused, node by node. */
export const Refused = ({ graph, problem }) => {
  const faults = useMemo(() => faultsByNode(problem.errors, graph), [problem, graph]);
  const told = [...faults].flatMap(([id, sentences]) => sentences.map((sentence) => [id, sentence]));
  return html`${told.length
      ? html`<ul class="notes faults">${told.map(([id, sentence], place) => html`<li key=${place}>${id && !sentence.includes(id) && html`<b>node ${plain(id, 64)}</b> `}${plain(sentence, 400)}</li>`)}</ul>`
      : html`<p class="wrong">${plain(problem.message, 600)}</p>`}
    ${problem.code !== "workflow-ui-format" && html`<${Drawing} graph=${graph} faults=${faults} />`}`;
};
