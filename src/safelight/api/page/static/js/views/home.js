// Where one begins: the order on one side, what was ordered last on the other.
import { html, useEffect, useState } from "../lib/html.js";
import { get } from "../lib/api.js";
import { listen } from "../lib/live.js";
import { complain } from "../lib/say.js";
import { learn } from "../store/batches.js";
import { Strip } from "../parts/strip.js";
import { OrderForm } from "./order.js";

const SHOWN = 8;

export const Home = () => {
  const [latest, setLatest] = useState(null);
  useEffect(() => {
    const read = () =>
      get(`v1/batches?limit=${SHOWN}`)
        .then((page) => setLatest(page.data.map((one) => learn(one).id)))
        .catch(complain);
    read();
    return listen((event) => (!event || event.type === "batch.created") && read());
  }, []);
  return html`<div class="home page">
    <${OrderForm} />
    <section class="ordered" aria-labelledby="latest-title">
      <h2 id="latest-title">Ordered last</h2>
      ${latest?.length === 0 && html`<p class="quiet">Nothing yet. The first pictures you order will develop here.</p>`}
      <div class="strips">${latest?.map((id) => html`<${Strip} key=${id} id=${id} />`)}</div>
    </section>
  </div>`;
};
