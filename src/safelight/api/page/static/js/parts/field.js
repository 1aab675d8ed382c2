// A labelled field with what is wrong with it.
import { html, useId } from "../lib/html.js";

/**
 * @param {{label: string, value: string, onInput: (text: string) => void, wrong?: string, hint?: string,
 *     rows?: number, class?: string}} what anything else goes to the element itself
 */
export const Field = ({ label, value, onInput, wrong, hint, rows, class: kind = "", ...rest }) => {
  const id = useId();
  const about = wrong || hint ? `${id}-about` : undefined;
  const shared = {
    id, value, ...rest,
    onInput: (event) => onInput(event.target.value),
    "aria-invalid": wrong ? "true" : undefined,
    "aria-describedby": about,
  };
  return html`<div class=${`field ${kind}`}>
    <label for=${id}>${label}</label>
    ${rows ? html`<textarea rows=${rows} ...${shared}></textarea>` : html`<input ...${shared} />`}
    ${about && html`<p id=${about} class=${wrong ? "wrong" : "quiet"}>${wrong || hint}</p>`}
  </div>`;
};
