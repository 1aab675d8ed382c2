// A labelled choice of one among several, as Field is for what is typed.
import { html, useId } from "../lib/html.js";

/**
 * @param {{label: string, value: string, options: [string, string][], onChange: (value: string) => void,
 *     wrong?: string, hint?: string, disabled?: boolean}} what `options` are [value, words]
 */
export const Choice = ({ label, value, options, onChange, wrong, hint, ...rest }) => {
  const id = useId();
  const about = wrong || hint ? `${id}-about` : undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)} aria-invalid=${wrong ? "true" : undefined} aria-describedby=${about} ...${rest}>
      ${options.map(([one, words]) => html`<option key=${one} value=${one} selected=${one === value}>${words}</option>`)}
    </select>
    ${about && html`<p id=${about} class=${wrong ? "wrong" : "quiet"}>${wrong || hint}</p>`}
  </div>`;
};
