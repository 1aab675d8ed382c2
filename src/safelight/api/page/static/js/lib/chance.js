// A key for what must not happen twice. Not crypto.randomUUID: a page on plain http has none.
export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
