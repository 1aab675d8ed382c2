// The end of a list that goes on: it reads on when it comes near; the button is for who does not scroll.
import { html, useEffect, useRef, useState } from "../lib/html.js";

/** @param {{onMore: () => Promise<unknown>, words: string}} shown give it a key that changes with what was read */
export const More = ({ onMore, words }) => {
  const end = useRef();
  const [busy, setBusy] = useState(false);
  const read = async () => {
    setBusy(true);
    await onMore();
    setBusy(false);
  };
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && read(), { rootMargin: "600px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, []);
  return html`<p ref=${end}><button type="button" disabled=${busy} onClick=${read}>${busy ? "Reading…" : words}</button></p>`;
};
