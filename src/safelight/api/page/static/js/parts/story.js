// How a picture came to be: seed, backend, attempts, timings, hashes, copies.
import { html } from "../lib/html.js";
import { Link, batchPath } from "../lib/address.js";
import { bytes, duration, fully } from "../lib/clock.js";
import { copy, publishAgain, share } from "../store/deeds.js";
import { markWords } from "./marks.js";

const Row = ({ name, children }) => children && html`<dt>${name}</dt><dd>${children}</dd>`;
const Mono = ({ text }) => text && html`<span class="mono">${text}</span>`;
const seconds = (number) => (number === null || number === undefined ? null : number < 60 ? `${number.toFixed(1)} s` : duration(number));

const Attempt = ({ attempt }) =>
  html`<li>
    <b>${attempt.outcome ?? "running"}</b> on ${attempt.backend}
    <br /><${Mono} text=${attempt.prompt_id} />
    <br /><span class="quiet">${fully(attempt.started_at)}</span>
  </li>`;

// A publisher is somebody else: only an address of the web becomes a link.
const Copied = ({ copy: { publisher, url, ...rest } }) =>
  html`<li>${markWords({ publisher, ...rest })}${/^https?:\/\//.test(url ?? "") &&
    html`<br /><a href=${url} rel="noreferrer noopener" target="_blank">${url}</a>`}</li>`;

/** @param {{image: object}} shown as GET /v1/images/{id} gives it */
export const Story = ({ image }) =>
  html`<dl>
      <${Row} name="Seed"><${Mono} text=${image.seed} />${image.seed_replaced ? " (replaced: twice the same picture)" : ""}<//>
      <${Row} name="Size">${image.width && `${image.width} × ${image.height}, ${bytes(image.bytes)}`}<//>
      <${Row} name="Name"><${Mono} text=${image.name} /><//>
      <${Row} name="Batch"><${Link} to=${batchPath(image.batch)}><${Mono} text=${image.batch} /><//><//>
      <${Row} name="Backend">${image.backend}<//>
      <${Row} name="Prompt id"><${Mono} text=${image.prompt_id} /><//>
      <${Row} name="Ordered">${fully(image.timings.created_at)}<//>
      <${Row} name="Waited">${seconds(image.timings.queued_seconds)}<//>
      <${Row} name="Drawn in">${seconds(image.timings.working_seconds)}<//>
      <${Row} name="SHA-256"><${Mono} text=${image.sha256} /><//>
      <${Row} name="Pixels"><${Mono} text=${image.pixels_sha256} /><//>
    </dl>
    ${image.attempts.length > 0 && html`<h3>Attempts</h3><ol>${image.attempts.map((one) => html`<${Attempt} key=${one.prompt_id} attempt=${one} />`)}</ol>`}
    ${image.publications.length > 0 &&
    html`<h3>Copies</h3><ol>${image.publications.map((one) => html`<${Copied} key=${one.publisher} copy=${one} />`)}</ol>`}
    ${image.publications.some((one) => one.status === "failed") &&
    html`<p><button type="button" class="small" onClick=${() => publishAgain(image.id)}>Copy again</button></p>`}
    <p class="row"><button type="button" class="small" onClick=${() => share(image.id)}>Copy a link to send</button>
    <button type="button" class="small" onClick=${() => copy(JSON.stringify(image, null, 2), "Everything")}>Copy all this</button></p>`;
