// The door: a key, once.
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { signIn } from "../lib/session.js";

const WORDS = {
  401: "This key is not known here, or was revoked.",
  429: "Too many wrong keys. Wait a minute, then try again.",
};

export const Door = () => {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef();
  useEffect(() => field.current.focus(), []);
  const enter = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(field.current.value.trim());
    } catch (problem) {
      setWrong(WORDS[problem.status] ?? problem.message);
      field.current.select();
    }
    setBusy(false);
  };
  return html`<main class="door">
    <form onSubmit=${enter}>
      <h1><span class="lamp"></span>Safelight</h1>
      <label for="key">Your key</label>
      <input id="key" ref=${field} type="password" name="key" autocomplete="current-password" required
        aria-describedby="key-help" aria-invalid=${wrong ? "true" : undefined} />
      <p id="key-help" class=${wrong ? "wrong" : "quiet"} role=${wrong ? "alert" : undefined}>
        ${wrong || "Whoever runs this server makes keys with: safelight keys create"}
      </p>
      <button class="strong" disabled=${busy}>Come in</button>
    </form>
  </main>`;
};
