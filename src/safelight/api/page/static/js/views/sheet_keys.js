// From frame to frame by the keyboard.

const STEPS = {
  ...{ ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: ({ columns }) => -columns, ArrowDown: ({ columns }) => columns },
  ...{ PageUp: ({ columns, page }) => -columns * page, PageDown: ({ columns, page }) => columns * page },
  ...{ Home: () => -Infinity, End: () => Infinity },
};

/** Hears keys of the grid: the browser's own Enter and Space press the button that has the focus. */
export const useGridKeys = ({ line, control, active, setActive, chosen }) => (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || !event.target.matches(".shot")) return;
  if (event.key === " ") {
    event.preventDefault();
    return chosen.toggle(active);
  }
  const step = STEPS[event.key]?.(control.current);
  if (step === undefined) return;
  event.preventDefault();
  const from = line.positionOf(active);
  const to = Math.min(Math.max(from + step, 0), line.length - 1);
  const beyond = Math.abs(step) > 1 && Number.isFinite(step) && (from + step < 0 || from + step >= line.length);
  const target = beyond && Math.abs(step) === control.current.columns && step < 0 ? from : to;
  const index = line.at(target);
  if (event.shiftKey) chosen.reach(index, active);
  setActive(index);
  control.current.goTo(index, { focused: true, edge: true });
};
