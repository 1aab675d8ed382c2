// The page: who is there, where we are, what is shown.
import { effect, html, render, useEffect, useState } from "./lib/html.js";
import { Link, here } from "./lib/address.js";
import { locked } from "./lib/api.js";
import { useKeys } from "./lib/keys.js";
import { connection, start } from "./lib/live.js";
import { Said, complain, say } from "./lib/say.js";
import { session, signOut, whoAmI } from "./lib/session.js";
import { forgetPreviews } from "./parts/latent.js";
import { forgetBatches } from "./store/batches.js";
import { forgetCharacters } from "./store/catalogue.js";
import { BatchView } from "./views/batch.js";
import { Characters } from "./views/characters.js";
import { Door } from "./views/door.js";
import { Fleet } from "./views/fleet.js";
import { Help } from "./views/help.js";
import { Home } from "./views/home.js";
import { Queue } from "./views/queue.js";
import { Dropped } from "./views/dropped.js";
import { AllSeries } from "./views/all_series.js";
import { Sheet } from "./views/sheet.js";
import { Workflows } from "./views/workflows.js";

// Where one can go: [address, name, whether only an administrator may look].
const PLACES = [
  ["", "Order", false],
  ["queue", "Queue", false],
  ["series", "Sheets", false],
  ["characters", "Characters", false],
  ["workflows", "Workflows", true],
  ["fleet", "Fleet", true],
];
const LATE = 1500; // ms without a connection until it is worth words

const titled = (view, title) => ({ view, title });

const viewOf = ({ parts }) => {
  const [first, ...rest] = parts;
  switch (first ?? "") {
    case "":
      return titled(html`<${Home} />`, "Order");
    case "batches":
      if (rest.length === 1) return titled(html`<${BatchView} key=${rest[0]} id=${rest[0]} />`, "Batch");
      if (!rest.length) return titled(html`<${Queue} />`, "Queue");
      break;
    case "queue":
      return titled(html`<${Queue} />`, "Queue");
    case "series":
      if (!rest.length) return titled(html`<${AllSeries} />`, "Sheets");
      if (rest.length <= 3 && rest.length > 1)
        return titled(html`<${Sheet} key=${rest.slice(0, 2).join("/")} user=${rest[0]} character=${rest[1]} index=${rest[2]} />`, "Contact sheet");
      break;
    case "fleet":
      return titled(html`<${Fleet} />`, "Fleet");
    case "characters":
      return titled(html`<${Characters} id=${rest[0]} />`, "Characters");
    case "workflows":
      return titled(html`<${Workflows} id=${rest[0]} />`, "Workflows");
  }
  return titled(html`<${Nowhere} />`, "Nothing here");
};

const Nowhere = () => html`<section class="page"><h1>Nothing here</h1><p>This address leads nowhere. <${Link} to="">Order pictures<//></p></section>`;

const Lamp = () => {
  const words = { live: "live", away: "no connection, trying again", connecting: "connecting" }[connection.value];
  return html`<span class=${`lamp ${connection.value}`} title=${words}><span class="unseen">${words}</span></span>`;
};

const Banner = () => {
  const [late, setLate] = useState(false);
  const away = connection.value === "away";
  useEffect(() => {
    if (!away) return void setLate(false);
    const timer = setTimeout(() => {
      setLate(true);
      say("No connection to Safelight. Trying again.");
    }, LATE);
    return () => clearTimeout(timer);
  }, [away]);
  return late && html`<p class="banner">No connection to Safelight. What you see may be old; it is tried again by itself.</p>`;
};

const Bar = ({ onHelp }) => {
  const first = here.value.parts[0] ?? "";
  const at = first === "batches" ? "queue" : first;
  const leave = () => signOut().catch(complain);
  return html`<header class="bar">
    <${Link} to="" class="wordmark" aria-label="Safelight, order pictures"><${Lamp} />Safelight<//>
    <nav aria-label="Places">
      ${PLACES.filter(([, , admins]) => !admins || session.value?.admin).map(
        ([to, name]) => html`<${Link} key=${to} to=${to} aria-current=${at === to ? "page" : undefined}>${name}<//>`,
      )}
    </nav>
    <div class="row tools">
      <button type="button" class="plain" onClick=${onHelp} aria-label="Keys" title="Keys (?)">?</button>
      ${session.value?.key && html`<button type="button" class="plain" onClick=${leave}>Sign out</button>`}
    </div>
  </header>`;
};

const App = () => {
  const [help, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  if (locked.value) return html`<${Door} /><${Said} />`;
  if (!session.value) return html`<${Banner} /><p class="page quiet">…</p>`;
  const { view, title } = viewOf(here.value);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Bar} onHelp=${() => setHelp(true)} />
    <${Banner} />
    <main id="main" tabindex="-1" data-title=${title}>${view}</main>
    <${Said} /><${Dropped} />
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  `;
};

const skip = (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
};

// Views that know a better title set it themselves, after this.
effect(() => {
  document.title = locked.value ? "Safelight" : `${viewOf(here.value).title} · Safelight`;
});
// What one key may see is nothing for the next.
effect(() => {
  if (!locked.value) return;
  session.value = null;
  forgetBatches();
  forgetCharacters();
  forgetPreviews();
});

const begin = async () => {
  try {
    await whoAmI();
  } catch {
    setTimeout(begin, LATE); // it is being started, perhaps
  }
};

render(html`<${App} />`, document.getElementById("app"));
await begin();
start();
// A file that is dropped beside what takes it must not replace the page.
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
