import { useEffect, useRef } from "react";

/** A wedge scanner types faster than any hand: its keys come within this time of each other. */
const FASTEST_HAND_MS = 60;
const SHORTEST_CODE = 4;

/** Tells what a scanner types from what a hand does. */
export class ScanBuffer {
  #code = "";
  #last = 0;

  /** The code that this key ends; nothing where it ends none. */
  take(event: KeyboardEvent): string | null {
    if (event.timeStamp - this.#last > FASTEST_HAND_MS) this.#code = "";
    this.#last = event.timeStamp;
    if (event.key.length === 1) this.#code += event.key;
    if (event.key !== "Enter") return null;
    const code = this.#code.trim();
    this.#code = "";
    return code.length >= SHORTEST_CODE ? code : null;
  }
}

export const isEditable = (target: EventTarget | null) => target instanceof Element && target.matches("input:not([type=range]), textarea, select, [contenteditable]");

/** Hears a scanner wherever the focus is, except in a field that takes the code itself. */
export function useScanner(onScan: (code: string) => void): void {
  const latest = useRef(onScan);
  useEffect(() => {
    latest.current = onScan;
  });
  useEffect(() => {
    const buffer = new ScanBuffer();
    const onKey = (event: KeyboardEvent) => {
      const code = buffer.take(event);
      if (code === null || isEditable(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      latest.current(code);
    };
    window.addEventListener("keydown", onKey, true);
    return () => window.removeEventListener("keydown", onKey, true);
  }, []);
}
