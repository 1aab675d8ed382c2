// A character is added or changed. What is typed is lost by nothing but a yes.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { characterPath, go, holdBack } from "../lib/address.js";
import { characterAt, get, put, remove, wrongField } from "../lib/api.js";
import { complain, slip, trying } from "../lib/say.js";
import { useKeys } from "../lib/keys.js";
import { Choice } from "../parts/choice.js";
import { Sure } from "../parts/dialog.js";
import { Field } from "../parts/field.js";
import { readCharacters } from "../store/catalogue.js";
import { characterOf, fieldsOf, same, slugOf } from "../store/character.js";

/** The workflows to choose from; one that is named and gone stays to be seen. */
const useWorkflows = (named) => {
  const [ids, setIds] = useState([]);
  useEffect(() => {
    get("v1/workflows").then(({ data }) => setIds(data.map((one) => one.id)), complain);
  }, []);
  return [["", "the style’s"], ...[...new Set([...ids, named].filter(Boolean))].map((id) => [id, id])];
};

/** Ask before what was typed is left behind. */
const useHeld = (dirty) => {
  const [onward, setOnward] = useState(null);
  const free = useRef(false); // at once, before anything is drawn anew
  useEffect(() => {
    if (!dirty) return;
    const stay = (event) => event.preventDefault();
    addEventListener("beforeunload", stay);
    const release = holdBack((on) => (free.current ? on() : setOnward(() => on)));
    return () => {
      removeEventListener("beforeunload", stay);
      release();
    };
  }, [dirty]);
  return [onward, () => setOnward(null), () => (free.current = true)];
};

const taken = (id) => ({ message: "", errors: [{ pointer: "/id", detail: `There is a character ${id} already. Take another id.` }] });
const idWrong = (problem) => wrongField(problem, "id") ?? problem?.errors?.find((one) => one.pointer === "{id}")?.detail;
const FIELDS = ["name", "prompt", "negative_prompt", "style", "workflow", "embedding", "loras", "width", "height", "steps", "cfg", "sampler", "scheduler"];

const Fields = ({ now, set, problem, fresh }) => {
  const workflows = useWorkflows(now.workflow);
  const field = (name, label, more = {}) =>
    html`<${Field} label=${label} value=${now[name]} onInput=${(text) => set({ [name]: text })} wrong=${wrongField(problem, name)} autocomplete="off" ...${more} />`;
  const number = { inputmode: "numeric", placeholder: "the workflow’s" };
  const named = (name) => set(fresh && now.id === slugOf(now.name) ? { name, id: slugOf(name) } : { name });
  return html`<div class="fields">
    <${Field} label="Name" value=${now.name} onInput=${named} wrong=${wrongField(problem, "name")} class="two" autocomplete="off" maxlength=${500} />
    ${fresh && html`<${Field} label="Id" value=${now.id} onInput=${(id) => set({ id })} wrong=${idWrong(problem)} class="two" hint="Lower-case letters, digits, hyphens." autocomplete="off" spellcheck=${false} maxlength=${64} />`}
    ${field("prompt", "Prompt", { rows: 3, class: "wide", hint: "Put before what an order asks for." })}
    ${field("negative_prompt", "Without", { rows: 2, class: "wide", placeholder: "what should not be seen" })}
    <${Choice} label="Workflow" value=${now.workflow} options=${workflows} onChange=${(workflow) => set({ workflow })} wrong=${wrongField(problem, "workflow")} />
    ${field("style", "Style", { placeholder: "none" })}
    ${field("embedding", "Embedding", { placeholder: "none" })}
    ${field("width", "Width", number)}${field("height", "Height", number)}${field("steps", "Steps", number)}
    ${field("cfg", "Guidance", { ...number, inputmode: "decimal" })}
    ${field("sampler", "Sampler", { placeholder: "the workflow’s" })}${field("scheduler", "Scheduler", { placeholder: "the workflow’s" })}
    ${field("loras", "LoRAs", { rows: 2, class: "wide", placeholder: "name.safetensors 0.8", hint: "One a line, with its strength." })}
  </div>`;
};

export const CharacterForm = ({ kept }) => {
  // What it was when one began to type: what is read anew meanwhile takes nothing away.
  const [before, setBefore] = useState(fieldsOf(kept));
  const [now, setNow] = useState(before);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef();
  const dirty = !same(now, before);
  const [onward, stay, letGo] = useHeld(dirty);
  const newest = JSON.stringify(fieldsOf(kept));
  useEffect(() => {
    if (dirty || !kept) return;
    setBefore(JSON.parse(newest));
    setNow(JSON.parse(newest));
  }, [newest, dirty]);
  useEffect(() => void form.current.querySelector('[aria-invalid="true"]')?.focus(), [problem]);

  const save = async (event) => {
    event?.preventDefault();
    if (busy) return;
    setBusy(true);
    const id = kept?.id ?? now.id.trim();
    try {
      if (!id) throw { message: "", errors: [{ pointer: "/id", detail: "It needs an id, or a name to make one of." }] };
      if (!kept && (await get("v1/characters")).data.some((one) => one.id === id)) throw taken(id);
      const one = await put(characterAt(id), characterOf(now));
      await readCharacters().catch(complain);
      slip(`${one.name} ${kept ? "changed" : "added"}`);
      if (!kept) return letGo(), go(characterPath(id));
      setProblem(null);
      setBefore(fieldsOf(one));
      setNow((typed) => (same(typed, now) ? fieldsOf(one) : typed));
    } catch (refused) {
      setProblem(refused);
    }
    setBusy(false);
  };
  const forget = () =>
    trying(async () => {
      await remove(characterAt(kept.id));
      slip(`${kept.name} deleted`, { undo: () => put(characterAt(kept.id), characterOf(fieldsOf(kept))).then(readCharacters, complain) });
      letGo();
      go("characters");
      await readCharacters();
    });
  useKeys({ "Ctrl+Enter": () => save() });
  const placed = FIELDS.some((name) => wrongField(problem, name)) || idWrong(problem);
  return html`<form class="character" ref=${form} onSubmit=${save} aria-label=${kept ? `Change ${kept.name}` : "Add a character"} noValidate>
    <${Fields} now=${now} set=${(some) => setNow((typed) => ({ ...typed, ...some }))} problem=${problem} fresh=${!kept} />
    ${problem && html`<p class="wrong" role="alert">${placed ? "Some fields are not right." : problem.message}</p>`}
    <div class="row">
      <button class="strong" disabled=${busy || !dirty}>${kept ? "Save changes" : "Add it"}</button>
      ${dirty && html`<button type="button" onClick=${() => (setNow(before), setProblem(null))}>${kept ? "Undo changes" : "Empty"}</button>`}
      ${kept && html`<button type="button" class="away" onClick=${forget}>Delete</button>`}
    </div>
    ${onward && html`<${Sure} question="Leave without keeping what you typed?" yes="Leave" onYes=${onward} onClose=${stay} />`}
  </form>`;
};
