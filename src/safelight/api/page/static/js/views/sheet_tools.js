// Above a contact sheet: what of it is shown, where to go in it, how large it is; below: what is marked.
import { html, useRef } from "../lib/html.js";
import { go, here, seriesPath } from "../lib/address.js";
import { query, zipUrl } from "../lib/api.js";
import { count } from "../lib/clock.js";
import { inText, many } from "../lib/ranges.js";

const STATES = [
  ...[["", "all"], ["stored", "done"], ["queued", "waiting"], ["dispatched", "developing"]],
  ...[["failed", "failed"], ["canceled", "canceled"]],
];
const SIZES = [["s", "small"], ["m", "medium"], ["l", "large"]];
const LONGEST = 6000; // letters that any server on the way takes in an address
const MOST = 10_000; // pictures that one download may name

/** What the address says is to be shown, as the API takes it. */
export const filterOf = (said) => ({
  status: STATES.some(([status]) => status && status === said.get("status")) ? said.get("status") : "",
  starred: said.get("starred") === "true" ? "true" : "",
  deleted: said.get("deleted") === "false" ? "false" : "",
});

export const SheetTools = ({ user, character, filter, size, onSize, onNumber, onDate, onPrint }) => {
  const number = useRef();
  const change = (some) => {
    go(seriesPath(user, character) + query({ ...filterOf(here.value.query), ...some }), { replace: true });
  };
  const jump = (event) => {
    event.preventDefault();
    if (number.current.value) onNumber(Number(number.current.value));
  };
  const check = (name, on, off, words) =>
    html`<label class="check"><input type="checkbox" checked=${filter[name] === on} onChange=${(event) => change({ [name]: event.target.checked ? on : off })} />${words}</label>`;
  return html`<div class="sheet-tools">
    <label><span class="word">Show</span> <select aria-label="Show" value=${filter.status} onChange=${(event) => change({ status: event.target.value })}>
      ${STATES.map(([value, words]) => html`<option key=${value} value=${value}>${words}</option>`)}
    </select></label>
    ${check("starred", "true", "", "starred")}
    ${check("deleted", "false", "", "hide deleted")}
    <form class="jump" onSubmit=${jump}>
      <label>No. <input ref=${number} type="number" min="1" inputmode="numeric" aria-label="Go to number" enterkeyhint="go" /></label>
      <label>Day <input type="date" aria-label="Go to the pictures of a day" onChange=${(event) => event.target.value && onDate(event.target.value)} /></label>
      <button class="unseen" tabindex="-1">Go</button>
    </form>
    <fieldset class="sizes" aria-label="Size of the frames">
      ${SIZES.map(([value, words]) => html`<label key=${value}><input type="radio" name="size" checked=${size === value} onChange=${() => onSize(value)} aria-label=${words} /><span aria-hidden="true">${value.toUpperCase()}</span></label>`)}
    </fieldset>
    <button type="button" class="print" onClick=${onPrint}>Print</button>
  </div>`;
};

const Download = ({ user, character, files, every }) => {
  const whole = many(files) === every.length;
  const indices = inText(files);
  const link = (words, asked) => html`<a class="button" download href=${zipUrl(user, character, asked)}>${words}</a>`;
  if (!files.length) return null;
  if (whole || (indices.length <= LONGEST && many(files) <= MOST)) return link("Download", whole ? "" : indices);
  return html`<span class="quiet">Too many for one download.</span> ${link(`Download all ${every.length.toLocaleString("en")}`, "")}`;
};

/**
 * @param {{chosen: number[][], files: number[][], every: {length: number}}} shown what is marked, what of it has a file,
 *     all that have one
 */
export const ChosenBar = ({ user, character, chosen, files, every, starred, onStar, onCompare, onDelete, onClear }) => {
  const marked = many(chosen);
  const pictures = many(files);
  return html`<div class="chosen-bar" role="toolbar" aria-label="What is marked">
    <b>${count(marked, "frame")} marked</b>
    ${pictures < marked && html`<span class="quiet">${count(pictures, "picture")}</span>`}
    <${Download} user=${user} character=${character} files=${files} every=${every} />
    <button type="button" onClick=${onStar}>${starred ? "Unstar" : "Star"}</button>
    ${marked === 2 && pictures === 2 && html`<button type="button" onClick=${onCompare}>Compare</button>`}
    ${pictures > 0 && html`<button type="button" onClick=${onDelete}>Delete</button>`}
    <button type="button" class="plain" onClick=${onClear}>Clear</button>
  </div>`;
};
