// Where the nodes of a graph lie when it is drawn, from left to right along its links.
// A graph is whatever somebody dropped: nothing of its shape is believed, and what is drawn is bounded.

export const MOST = 200; // nodes that are drawn
const LINKS = 1000;
const [WIDE, GAP, BETWEEN, HEAD, LINE] = [176, 60, 18, 42, 17];
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Words of a stranger in at most so many characters, without what would turn or hide them. */
export const plain = (words, most = 24) => {
  const text = String(words).slice(0, 400).replace(UNPRINTABLE, "\ufffd");
  const signs = [...text];
  return signs.length > most ? `${signs.slice(0, most - 1).join("")}…` : text;
};

const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** node id -> [slot names], from `{"seed": "2.seed", "prompt": "6.text,7.text", "output": "9"}`. */
const slotsByNode = (slots) => {
  const found = new Map();
  for (const [slot, places] of Object.entries(slots ?? {}))
    for (const place of String(places).split(",")) {
      const id = place.split(".")[0];
      if (slot !== "output") found.set(id, [...new Set([...(found.get(id) ?? []), slot])]);
    }
  return found;
};

/** node id -> [sentences], from the errors of a refusal; "" is the graph as a whole. */
export const faultsByNode = (errors, graph) => {
  const found = new Map();
  for (const { pointer, detail } of errors ?? []) {
    const steps = String(pointer ?? "").split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (steps[0] === "graph" && !Object.hasOwn(graph ?? {}, "graph")) steps.shift();
    const id = object(graph) && steps.length && Object.hasOwn(graph, steps[0]) ? steps[0] : "";
    found.set(id, [...(found.get(id) ?? []), String(detail)]);
  }
  return found;
};

const linksInto = (node) => {
  const inputs = object(node) && object(node.inputs) ? Object.entries(node.inputs) : [];
  return inputs.flatMap(([input, value]) => (Array.isArray(value) && value.length === 2 && typeof value[0] !== "object" ? [[String(value[0]), input]] : []));
};

/** Those that are drawn: of too many, the nearest to the output. */
const chosen = (graph, output) => {
  const all = Object.keys(graph);
  if (all.length <= MOST) return all;
  const seen = new Set(Object.hasOwn(graph, output ?? "") ? [output] : []);
  for (const id of seen) {
    for (const [from] of linksInto(graph[id])) if (seen.size < MOST && Object.hasOwn(graph, from)) seen.add(from);
  }
  for (const id of all) if (seen.size < MOST) seen.add(id);
  return all.filter((id) => seen.has(id));
};

/** How far from the left each node lies: one more than the farthest it is fed by. A ring is cut where it is met. */
const layersOf = (ids, links) => {
  const waits = new Map(ids.map((id) => [id, 0]));
  const after = new Map(ids.map((id) => [id, []]));
  for (const { from, to } of links) {
    waits.set(to, waits.get(to) + 1);
    after.get(from).push(to);
  }
  const layer = new Map(ids.map((id) => [id, 0]));
  const placed = new Set();
  const ready = ids.filter((id) => !waits.get(id));
  let next = 0;
  while (placed.size < ids.length) {
    if (!ready.length) {
      while (placed.has(ids[next])) next++;
      ready.push(ids[next]);
    }
    const id = ready.pop();
    if (placed.has(id)) continue;
    placed.add(id);
    for (const to of after.get(id)) {
      if (placed.has(to)) continue; // back along a ring
      layer.set(to, Math.max(layer.get(to), layer.get(id) + 1));
      waits.set(to, waits.get(to) - 1);
      if (!waits.get(to)) ready.push(to);
    }
  }
  return layer;
};

/** Nodes of a layer lie where those that feed them lie, so that fewer links cross. */
const columnsOf = (ids, layer, links) => {
  const columns = [];
  for (const id of ids) (columns[layer.get(id)] ??= []).push(id);
  const row = new Map();
  const fed = new Map(ids.map((id) => [id, []]));
  for (const { from, to } of links) fed.get(to).push(from);
  const weight = (id) => {
    const rows = fed.get(id).filter((from) => row.has(from)).map((from) => row.get(from));
    return rows.length ? rows.reduce((sum, one) => sum + one, 0) / rows.length : Infinity;
  };
  return columns.filter(Boolean).map((column) => {
    const weights = new Map(column.map((id) => [id, weight(id)]));
    const sorted = [...column].sort((a, b) => (weights.get(a) === weights.get(b) ? 0 : weights.get(a) < weights.get(b) ? -1 : 1));
    sorted.forEach((id, place) => row.set(id, place));
    return sorted;
  });
};

/**
 * @param {unknown} graph @param {{slots?: object, output?: string, faults?: Map<string, string[]>}} known
 * @returns {{nodes: object[], links: object[], left: number, width: number, height: number} | null} null: there is nothing to draw
 */
export const layOut = (graph, { slots = {}, output = null, faults = new Map() } = {}) => {
  if (!object(graph) || !Object.keys(graph).length) return null;
  const ids = chosen(graph, output);
  const here = new Set(ids);
  const links = ids
    .flatMap((to) => linksInto(graph[to]).filter(([from]) => here.has(from) && from !== to).map(([from, input]) => ({ from, to, input })))
    .slice(0, LINKS);
  const slotted = slotsByNode(slots);
  const columns = columnsOf(ids, layersOf(ids, links), links);
  const high = (id) => HEAD + LINE * Math.ceil((slotted.get(id) ?? []).length / 2) + (id === output || faults.has(id) ? LINE : 0);
  const tall = columns.map((column) => column.reduce((sum, id) => sum + high(id) + BETWEEN, -BETWEEN));
  const height = Math.max(...tall);
  const nodes = new Map();
  columns.forEach((column, place) => {
    let y = (height - tall[place]) / 2;
    for (const id of column) {
      const title = object(graph[id]) && typeof graph[id].class_type === "string" && graph[id].class_type ? graph[id].class_type : "no class";
      nodes.set(id, { id, title, x: place * (WIDE + GAP), y, wide: WIDE, high: high(id), slots: slotted.get(id) ?? [], output: id === output, faults: faults.get(id) ?? [] });
      y += high(id) + BETWEEN;
    }
  });
  return {
    nodes: [...nodes.values()],
    links: links.map((one) => ({ ...one, a: nodes.get(one.from), b: nodes.get(one.to) })),
    left: Object.keys(graph).length - ids.length,
    width: columns.length * (WIDE + GAP) - GAP,
    height,
  };
};
