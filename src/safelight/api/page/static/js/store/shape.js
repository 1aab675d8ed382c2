// How broad the pictures of an order are for their height, as far as it can be known beforehand.
import { useEffect, useState } from "../lib/html.js";
import { get, query } from "../lib/api.js";
import { characters, readCharacters } from "./catalogue.js";

const SQUARE = 1;
const ratio = ({ width, height } = {}) => (width && height ? width / height : null);

/** As the character says, or else as the newest picture of the series is. */
const usual = async (user, character) => {
  try {
    if (!characters.value) await readCharacters();
    const said = ratio(characters.value?.find((one) => one.id === character));
    if (said) return said;
    const path = `v1/series/${encodeURIComponent(user)}/${encodeURIComponent(character)}/images`;
    const [newest] = (await get(path + query({ status: "stored", deleted: "false", limit: 1 }))).data;
    return (newest && ratio(await get(`v1/images/${encodeURIComponent(newest.id)}`))) || SQUARE;
  } catch {
    return SQUARE; // pictures lie in their frames whole, whatever shape these have
  }
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
