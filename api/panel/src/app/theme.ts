import { useSyncExternalStore } from "react";

type Theme = "light" | "dark";
const STORED = "d3station.theme";
const CHANGED = "d3station.theme changed";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme | null {
  const value = localStorage.getItem(STORED);
  return value === "light" || value === "dark" ? value : null;
}

const inUse = (): Theme => stored() ?? (system.matches ? "dark" : "light");

/** Sets the page's colours; first of all before anything is drawn. */
export function applyTheme(): void {
  const chosen = stored();
  if (chosen) document.documentElement.dataset.theme = chosen;
}

function subscribe(changed: () => void): () => void {
  const follow = () => {
    applyTheme();
    changed();
  };
  system.addEventListener("change", follow);
  window.addEventListener(CHANGED, follow);
  return () => {
    system.removeEventListener("change", follow);
    window.removeEventListener(CHANGED, follow);
  };
}

/** The theme in use: the operator's choice, else the system's. It is the same wherever it is shown. */
export function useTheme(): { theme: Theme; toggle: () => void } {
  const theme = useSyncExternalStore(subscribe, inUse);
  const toggle = () => {
    localStorage.setItem(STORED, theme === "dark" ? "light" : "dark");
    window.dispatchEvent(new Event(CHANGED));
  };
  return { theme, toggle };
}
