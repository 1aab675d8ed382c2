// Places that need an administrator's key say so, instead of asking and being refused.
import { html } from "../lib/html.js";
import { Link } from "../lib/address.js";
import { session } from "../lib/session.js";

export const admin = () => Boolean(session.value?.admin);

/** What is shown in place of `what` to a key that has not the right. */
export const OnlyAdmins = ({ title, what }) =>
  html`<section class="page">
    <h1>${title}</h1>
    <p>${what} with an administrator’s key. Yours may order and look at pictures.</p>
    <p class="quiet">Whoever runs this server makes one with <code>safelight keys create</code>.</p>
    <p><${Link} to="">Order pictures<//></p>
  </section>`;
