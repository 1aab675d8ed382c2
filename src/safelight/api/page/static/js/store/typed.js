// What is typed into fields of an order or a character, and how it is written there.

/** A number where it is one; else the words as they are, to be refused by the name of their field. */
export const numberIn = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

/** "name.safetensors 0.8" a line. */
export const lorasIn = (text) =>
  text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [, name, strength] = line.match(/^(.*?)(?:[\s:@]+(-?\d+(?:\.\d+)?))?$/);
    return { name, strength: strength === undefined ? 1 : Number(strength) };
  });

/** The same the other way. @param {{name: string, strength: number}[]} loras */
export const loraLines = (loras) => (loras ?? []).map(({ name, strength }) => `${name} ${strength}`);
