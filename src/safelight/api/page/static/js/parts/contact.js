// A contact sheet on paper: only the printer sees it.
import { html, useEffect, useRef } from "../lib/html.js";
import { thumbnailUrl } from "../lib/api.js";
import { fully, now } from "../lib/clock.js";
import { complain } from "../lib/say.js";
import { nameOf } from "../store/catalogue.js";

/** @param {{images: object[], user: string, character: string, shape: number, onDone: () => void}} shown */
export const Contact = ({ images, user, character, shape, onDone }) => {
  const element = useRef();
  useEffect(() => {
    const ready = [...element.current.querySelectorAll("img")].map((picture) => picture.decode().catch(() => {}));
    Promise.all(ready).then(() => print()).catch(complain);
    addEventListener("afterprint", onDone);
    return () => removeEventListener("afterprint", onDone);
  }, [images]);
  return html`<section ref=${element} class="contact" aria-hidden="true">
    <h1>${nameOf(character)} <small>for ${user}</small></h1>
    <p>${fully(now.peek())}</p>
    <ol style=${{ "--shape": shape }}>
      ${images.map(
        (image) => html`<li key=${image.id}>
          <img src=${thumbnailUrl(image.id, 320)} alt="" />
          <p><b>${image.index}</b> ${image.seed}</p>
        </li>`,
      )}
    </ol>
  </section>`;
};
