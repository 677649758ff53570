import { useEffect, useRef } from "react";
import { isEditable } from "../app/scan";

/** Arrow keys go through what was found, wherever the focus is but in what has arrow keys of its own: fields, tabs, the picture. */
export function useArrowKeys(step: (by: number) => void): void {
  const latest = useRef(step);
  useEffect(() => {
    latest.current = step;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (!by || event.ctrlKey || event.altKey || event.metaKey || isEditable(event.target)) return;
      if (event.target instanceof Element && event.target.closest(".viewer, input, select")) return;
      event.preventDefault();
      latest.current(by);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
