// Dialogs: the browser's own, so that focus stays inside and returns to where it was.
import { html, useId, useLayoutEffect, useRef } from "../lib/html.js";
import { useKeys } from "../lib/keys.js";
import { Said, hush, speak } from "../lib/say.js";

/**
 * @param {{label: string, onClose: () => void, keys?: Record<string, (event: KeyboardEvent) => unknown>, class?: string}} what
 */
export const Dialog = ({ label, onClose, keys = {}, class: kind = "paper", children }) => {
  const element = useRef();
  const name = useId();
  useKeys({ Escape: () => onClose(), ...keys }, true);
  useLayoutEffect(() => {
    const on = element.current;
    on.showModal();
    on.focus(); // not its first button, which one might press without having seen it
    speak(name);
    return () => {
      hush(name);
      on.close(); // while it is open nothing else can be given the focus; so it goes where it was
    };
  }, []);
  const beside = (event) => event.target === element.current && kind === "paper" && onClose();
  const refused = (event) => {
    event.preventDefault(); // the browser would close it by itself, and the page not know
    onClose();
  };
  return html`<dialog ref=${element} class=${kind} tabindex="-1" aria-label=${label} onClick=${beside} onCancel=${refused}>
    ${children}<${Said} by=${name} />
  </dialog>`;
};

export const Sure = ({ question, yes, onYes, onClose }) =>
  html`<${Dialog} label=${question} onClose=${onClose}>
    <p class="question">${question}</p>
    <div class="row end">
      <button type="button" onClick=${onClose}>No</button>
      <button type="button" class="strong" onClick=${() => (onClose(), onYes())}>${yes}</button>
    </div>
  <//>`;
