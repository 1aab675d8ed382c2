// Time in the words of this page. All moments are the server's.
import { signal } from "./html.js";
import { skew } from "./api.js";

/** Milliseconds since 1970, once a second. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now() + skew.value * 1000), 1000);

/** Seconds from a moment until now, at least 0. */
export const since = (moment, at = now.value) => Math.max(0, (at - Date.parse(moment)) / 1000);
export const until = (moment, at = now.value) => Math.max(0, (Date.parse(moment) - at) / 1000);

/** @example duration(75) === "1:15" */
export const duration = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  if (hours) return `${hours} h ${minutes} min`;
  return `${minutes}:${String(rest).padStart(2, "0")}`;
};

/** Something that is done once, a while after it was asked for, however often it was asked for. */
export const eventually = (pause, deed) => {
  let timer = 0;
  const soon = () => {
    timer ||= setTimeout(() => ((timer = 0), deed()), pause);
  };
  soon.never = () => clearTimeout(timer);
  return soon;
};

const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const BOTH = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const fully = (moment) => (moment ? BOTH.format(new Date(moment)) : "");
/** A moment as one would say it today. */
export const when = (moment, at = now.value) => {
  const date = new Date(moment);
  const seconds = (at - date) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (DAY.format(date) === DAY.format(new Date(at))) return HOUR.format(date);
  return DAY.format(date);
};

const PLURAL = new Intl.PluralRules("en", { type: "ordinal" });
/** @example ordinal(3) === "3rd" */
export const ordinal = (number) => `${number}${{ one: "st", two: "nd", few: "rd", other: "th" }[PLURAL.select(number)]}`;
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
export const bytes = (size) =>
  size < 1e3 ? `${size} B` : size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`;
