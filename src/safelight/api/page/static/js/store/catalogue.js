// Characters by their ids, read once and again when something was changed here.
import { signal, useEffect } from "../lib/html.js";
import { get } from "../lib/api.js";
import { complain } from "../lib/say.js";

/** null until they are known: a list as GET /v1/characters gives it. */
export const characters = signal(null);
/** The newest picture of each character: id -> image id. */
export const faces = signal(new Map());
let asked = false;
let turn = 0; // grows with every key: what was asked for with another one is not shown

export const readCharacters = async () => {
  asked = true;
  const mine = turn;
  const { data } = await get("v1/characters");
  if (mine !== turn) return;
  characters.value = data;
  await readFaces();
};

/** Also when a first picture was stored. */
const readFaces = async () => {
  const mine = turn;
  const newest = new Map();
  for (const one of (await get("v1/series?limit=200")).data)
    if (one.latest && !newest.has(one.character)) newest.set(one.character, one.latest.id);
  if (mine === turn) faces.value = newest;
};

export const forgetCharacters = () => {
  asked = false;
  turn += 1;
  characters.value = null;
  faces.value = new Map();
};

/** The characters, null until they are known. */
export const useCharacters = () => {
  useEffect(() => {
    if (!asked) readCharacters().catch((problem) => ((asked = false), complain(problem)));
  }, []);
  return characters.value;
};

/** @param {string} id what to call a character, also one that is no longer kept */
export const nameOf = (id) => characters.value?.find((one) => one.id === id)?.name || id;
