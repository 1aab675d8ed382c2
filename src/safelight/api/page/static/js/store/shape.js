// How broad pictures are for their height, as far as it can be known beforehand.
import { useEffect, useState } from "../lib/html.js";
import { get, imageAt, query, seriesAt } from "../lib/api.js";
import { characters, readCharacters } from "./catalogue.js";

const SQUARE = 1;
const ratio = ({ width, height } = {}) => (width && height ? width / height : null);

/** What a character says of it; null: nothing. */
export const saidOf = (character) => ratio(characters.value?.find((one) => one.id === character));

/** As this picture of a series is, or as its newest one. */
export const measure = async (user, character, image = null) => {
  try {
    const newest = query({ status: "stored", deleted: "false", limit: 1 });
    const { id } = image ?? (await get(`${seriesAt(user, character)}/images${newest}`)).data[0];
    return ratio(await get(imageAt(id))) ?? SQUARE;
  } catch {
    return SQUARE; // pictures lie in their frames whole, whatever shape these have
  }
};

/** As the character says, or else as the newest picture of the series is. */
const usual = async (user, character) => {
  if (!characters.value) await readCharacters().catch(() => {});
  return saidOf(character) ?? measure(user, character);
};

/** The shape of a batch's frames; null for a moment. Once told it stays, so that nothing jumps. */
export const useShape = ({ user, character, parameters }) => {
  const [shape, setShape] = useState(() => ratio(parameters));
  useEffect(() => {
    let current = true;
    if (!shape) usual(user, character).then((known) => current && setShape(known));
    return () => (current = false);
  }, []);
  return shape;
};
