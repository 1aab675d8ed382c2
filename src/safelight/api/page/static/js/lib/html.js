// One place from which the page takes its library: components are plain functions of htm.
import { h, render } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { effect, signal } from "@preact/signals";
import htm from "htm";

const html = htm.bind(h);
export { effect, html, render, signal };
export { useEffect, useId, useLayoutEffect, useMemo, useRef, useState };
