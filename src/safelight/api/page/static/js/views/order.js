// The order: whose picture, how many, of what.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Link, batchPath, go } from "../lib/address.js";
import { post, wrongField } from "../lib/api.js";
import { newKey } from "../lib/chance.js";
import { count, duration } from "../lib/clock.js";
import { useKeys } from "../lib/keys.js";
import { complain, say } from "../lib/say.js";
import { Face } from "../parts/face.js";
import { Field } from "../parts/field.js";
import { useCharacters } from "../store/catalogue.js";
import { learn } from "../store/batches.js";
import { bodyOf, change, fields, recall } from "../store/order.js";

const USUAL = ["1", "2", "4", "8"];
const UNDER_THE_FOLD = ["seed", "width", "height", "steps", "cfg", "style", "negative_prompt", "loras"];
const PAUSE = 350; // ms without a key until the time is asked for

const Who = ({ characters, chosen, wrong }) => {
  if (characters === null) return html`<div class="cards loading" aria-busy="true"></div>`;
  if (!characters.length)
    return html`<p class="quiet">There is no character yet. <${Link} to="characters">Add the first one<//>, or write it into safelight.toml.</p>`;
  return html`<fieldset class="cards">
    <legend>Who</legend>
    ${characters.map(
      (one) => html`<label key=${one.id} class="card">
        <input type="radio" name="character" value=${one.id} checked=${chosen === one.id} onChange=${() => change({ character: one.id })} />
        <${Face} one=${one} />
        <span class="name clamped">${one.name || one.id}</span>
      </label>`,
    )}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
  </fieldset>`;
};

const HowMany = ({ value, wrong }) =>
  html`<fieldset class="many">
    <legend>How many</legend>
    ${USUAL.map(
      (number) => html`<label key=${number}><input type="radio" name="quantity" value=${number} checked=${value === number} onChange=${() => change({ quantity: number })} /><span>${number}</span></label>`,
    )}
    <input class="any" type="number" min="1" max="64" inputmode="numeric" aria-label="Another number" placeholder="other"
      value=${USUAL.includes(value) ? "" : value} onInput=${(event) => change({ quantity: event.target.value || "4" })} />
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
  </fieldset>`;

const Fold = ({ now, problem }) => {
  const open = UNDER_THE_FOLD.some((name) => now[name] !== "" || wrongField(problem, name));
  const field = (name, label, more = {}) =>
    html`<${Field} label=${label} value=${now[name]} onInput=${(text) => change({ [name]: text })} wrong=${wrongField(problem, name)} ...${more} />`;
  const number = { inputmode: "numeric", autocomplete: "off" };
  return html`<details class="fold" open=${open}>
    <summary>Seed, size, steps, style</summary>
    <div class="fields">
      ${field("seed", "Seed", { ...number, placeholder: "drawn" })}
      ${field("steps", "Steps", { ...number, placeholder: "as usual" })}
      ${field("width", "Width", { ...number, placeholder: "px" })}
      ${field("height", "Height", { ...number, placeholder: "px" })}
      ${field("cfg", "Guidance", { inputmode: "decimal", placeholder: "as usual" })}
      ${field("style", "Style", { placeholder: "the character’s" })}
      ${field("negative_prompt", "Without", { rows: 2, class: "wide", placeholder: "what should not be seen" })}
      ${field("loras", "LoRAs", { rows: 2, class: "wide", placeholder: "name.safetensors 0.8", hint: "One a line, with its strength." })}
    </div>
  </details>`;
};

/** What the order would take, asked for when nobody types. */
const useEstimate = (now) => {
  const [estimate, setEstimate] = useState(null);
  const body = JSON.stringify(bodyOf(now));
  useEffect(() => {
    if (!now.character) return void setEstimate(null);
    let current = true;
    const timer = setTimeout(() => {
      post("v1/estimates", JSON.parse(body)).then((told) => current && setEstimate(told), () => current && setEstimate(null));
    }, PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [body]);
  return estimate;
};

const Time = ({ estimate }) => {
  if (!estimate) return html`<span class="quiet time"></span>`;
  if (estimate.held) return html`<span class="time">waits: ${estimate.held}</span>`;
  if (estimate.seconds === null) return html`<span class="quiet time">how long is not known yet</span>`;
  const ahead = estimate.ahead ? `, ${count(estimate.ahead, "picture")} before it` : "";
  return html`<span class="quiet time">ready in ${estimate.seconds < 1 ? "a moment" : `about ${duration(estimate.seconds)}`}${ahead}</span>`;
};

export const OrderForm = () => {
  const characters = useCharacters();
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const sending = useRef({ body: "", key: "" });
  useEffect(recall, []);
  const now = fields.value;
  useEffect(() => {
    if (characters?.length && !characters.some((one) => one.id === now.character)) change({ character: characters[0].id });
  }, [characters, now.character]);
  const estimate = useEstimate(now);

  const order = async (event) => {
    event?.preventDefault();
    if (busy || !now.character) return;
    const body = bodyOf(now);
    const text = JSON.stringify(body);
    // The same order after a lost answer is the same batch; another order is another.
    if (sending.current.body !== text) sending.current = { body: text, key: newKey() };
    setBusy(true);
    try {
      const batch = learn(await post("v1/batches", body, { "idempotency-key": sending.current.key }));
      sending.current = { body: "", key: "" };
      say(`${count(batch.quantity, "picture")} ordered`);
      go(batchPath(batch.id));
    } catch (refused) {
      setProblem(refused);
      if (!refused.errors.length) complain(refused);
      setBusy(false);
    }
  };
  useKeys({ "Ctrl+Enter": () => order() });

  return html`<form class="order" onSubmit=${order} aria-label="Order pictures" noValidate>
    <h1 class="unseen">Order pictures</h1>
    <${Who} characters=${characters} chosen=${now.character} wrong=${wrongField(problem, "character")} />
    <${Field} label="What" rows=${3} class="what" value=${now.prompt} onInput=${(prompt) => change({ prompt })}
      wrong=${wrongField(problem, "prompt")} placeholder="on a beach at dusk" maxlength=${20000} />
    <div class="row">
      <${HowMany} value=${now.quantity} wrong=${wrongField(problem, "quantity")} />
      <${Field} label="For" class="for" value=${now.user} onInput=${(user) => change({ user })} wrong=${wrongField(problem, "user")}
        autocomplete="off" spellcheck=${false} title="Whose pictures they are: the user of your application" />
    </div>
    <${Fold} now=${now} problem=${problem} />
    ${problem && html`<p class="wrong" role="alert">${problem.errors.length > 1 ? "Some fields are not right." : problem.message}</p>`}
    <div class="row submit">
      <button class="strong big" disabled=${busy || !now.character}>Order ${now.quantity === "1" ? "one picture" : `${now.quantity} pictures`}</button>
      <${Time} estimate=${estimate} />
    </div>
  </form>`;
};
