// A filter that is typed: it counts when one has finished typing.
import { useEffect, useRef, useState } from "../lib/html.js";

const PAUSE = 300; // ms after a letter until one has finished

/**
 * @param {string} value what counts now; changed by somebody else it is shown at once, and what is
 *     being typed is not overtaken by what was typed before
 * @param {(text: string) => void} onTyped
 * @returns {[string, (text: string) => void]} what the field shows, and how it is changed
 */
export const useTyped = (value, onTyped) => {
  const [typed, setTyped] = useState(value);
  const sent = useRef(value);
  const tell = useRef();
  tell.current = onTyped;
  useEffect(() => {
    const text = typed.trim();
    if (text === sent.current) return;
    const timer = setTimeout(() => tell.current((sent.current = text)), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    if (value !== sent.current) setTyped((sent.current = value));
  }, [value]);
  return [typed, setTyped];
};
