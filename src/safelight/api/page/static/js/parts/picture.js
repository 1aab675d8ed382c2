// A picture that arrives without a jump: what is there stays until the next has been decoded.
import { html, useEffect, useState } from "../lib/html.js";
import { thumbnailUrl } from "../lib/api.js";

/** The thumbnail widths that are asked for: few, so that each is made once. */
const WIDTHS = [160, 320, 640, 1280];
export const widthFor = (pixels) => WIDTHS.find((width) => width >= pixels) ?? 2048;

/**
 * @param {{src: string, alt: string, under?: any}} shown `under` is shown until the picture is ready
 */
export const Picture = ({ src, alt, under = null, eager = false }) => {
  const [ready, setReady] = useState("");
  const [broken, setBroken] = useState("");
  useEffect(() => setBroken(""), [src]);
  return html`<span class=${ready === src ? "picture ready" : "picture"}>
    ${ready !== src && under}
    ${broken === src
      ? html`<span class="nothing">no picture</span>`
      : html`<img
          key=${src}
          src=${src}
          alt=${alt}
          draggable=${false}
          decoding="async"
          loading=${eager ? "eager" : "lazy"}
          onLoad=${() => setReady(src)}
          onError=${() => setBroken(src)}
        />`}
  </span>`;
};

/** A stored image, small. */
export const Thumbnail = ({ id, alt, width = 320, under, eager }) =>
  html`<${Picture} src=${thumbnailUrl(id, width)} alt=${alt} under=${under} eager=${eager} />`;
