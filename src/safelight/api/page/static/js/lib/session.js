// Who sits before the page.
import { signal } from "./html.js";
import { ask, locked, post, remove } from "./api.js";
import { forgetAll } from "./kept.js";

/** {key, name, scopes, admin, …} as GET /v1/session tells; null while nobody knows. */
export const session = signal(null);

/** Ask who one is; a key that is asked for opens the door instead. */
export const whoAmI = async () => {
  try {
    session.value = await ask("v1/session");
    locked.value = false;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    session.value = null;
  }
};

export const signIn = async (key) => {
  session.value = await post("v1/session", { key });
  locked.value = false;
};

export const signOut = async () => {
  forgetAll();
  await remove("v1/session");
  session.value = null;
  locked.value = true;
};
