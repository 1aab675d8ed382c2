// A small drawing of a workflow: its nodes from left to right, slots in amber, the output marked.
import { html, useMemo } from "../lib/html.js";
import { count } from "../lib/clock.js";
import { layOut, plain } from "../store/graph.js";

const EDGE = 8; // px around it
const SMALLEST = 0.8; // of its size; from there on it scrolls

const curve = ({ a, b }) => {
  const [x, y, to, at] = [a.x + a.wide, a.y + a.high / 2, b.x, b.y + b.high / 2];
  const bend = to > x ? Math.max(24, (to - x) / 2) : 60; // a link that goes back swings out
  return `M${x} ${y}C${x + bend} ${y} ${to - bend} ${at} ${to} ${at}`;
};

const pairs = (slots) => slots.reduce((rows, slot, place) => (place % 2 ? rows.at(-1).push(slot) : rows.push([slot]), rows), []);

const Node = ({ node }) => {
  const rows = pairs(node.slots).map((row) => [row.join(" · "), "slot"]);
  if (node.output) rows.push(["output", "end"]);
  if (node.faults.length) rows.push(["refused", "bad"]);
  const kind = [node.slots.length && "slotted", node.output && "output", node.faults.length && "faulty"].filter(Boolean).join(" ");
  return html`<g class=${`node ${kind}`} transform=${`translate(${node.x} ${node.y})`}>
    <title>${plain(`${node.id}: ${node.title}`, 120)}</title>
    <rect width=${node.wide} height=${node.high} rx="6" />
    <text class="class" x="10" y="19">${plain(node.title, 22)}</text>
    <text class="id" x="10" y="34">${plain(node.id, 22)}</text>
    ${rows.map(([words, what], place) => html`<text key=${place} class=${what} x="10" y=${51 + 17 * place}>${plain(words, 26)}</text>`)}
  </g>`;
};

const inWords = (node, links) => {
  const from = links.filter((one) => one.to === node.id).map((one) => `${plain(one.input, 40)} from ${plain(one.from, 40)}`);
  return [
    node.slots.length && `takes ${node.slots.join(", ")}`,
    from.length && from.join(", "),
    node.output && "the output",
    ...node.faults,
  ].filter(Boolean).join("; ");
};

/**
 * @param {{graph: unknown, slots?: object, output?: string, faults?: Map<string, string[]>}} shown
 */
export const Drawing = ({ graph, slots, output, faults }) => {
  const drawn = useMemo(() => layOut(graph, { slots, output, faults }), [graph, slots, output, faults]);
  if (!drawn) return html`<p class="quiet">There is nothing to draw.</p>`;
  const { nodes, links, left, width, height } = drawn;
  return html`<figure class="graph">
    <div class="sheet" tabindex="0" role="region" aria-label="Drawing of the workflow, scrolls">
      <svg style=${{ minWidth: `${SMALLEST * (width + 2 * EDGE)}px`, maxWidth: `${width + 2 * EDGE}px` }} viewBox=${`${-EDGE} ${-EDGE} ${width + 2 * EDGE} ${height + 2 * EDGE}`} aria-hidden="true">
        ${links.map((one, place) => html`<path key=${place} d=${curve(one)} />`)}
        ${nodes.map((node) => html`<${Node} key=${node.id} node=${node} />`)}
      </svg>
    </div>
    ${left > 0 && html`<p>${count(nodes.length, "node")} nearest to the output are drawn, ${count(left, "further one")} ${left === 1 ? "is" : "are"} not.</p>`}
    <details><summary>The same as a list</summary>
      <ol>${nodes.map((node) => html`<li key=${node.id}><b>${plain(node.id, 64)}</b> ${plain(node.title, 80)} <span class="quiet">${inWords(node, links)}</span></li>`)}</ol>
    </details>
  </figure>`;
};
