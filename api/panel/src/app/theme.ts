import { useEffect, useState } from "react";

type Theme = "light" | "dark";
const STORED = "d3station.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme | null {
  const value = localStorage.getItem(STORED);
  return value === "light" || value === "dark" ? value : null;
}

/** Sets the page's colours before anything is drawn. */
export function applyTheme(): Theme {
  const chosen = stored();
  if (chosen) document.documentElement.dataset.theme = chosen;
  return chosen ?? (system.matches ? "dark" : "light");
}

/** The theme in use: the operator's choice, else the system's. */
export function useTheme(): { theme: Theme; toggle: () => void } {
  const [theme, setTheme] = useState(applyTheme);
  useEffect(() => {
    const follow = () => setTheme(applyTheme());
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const toggle = () => {
    localStorage.setItem(STORED, theme === "dark" ? "light" : "dark");
    setTheme(applyTheme());
  };
  return { theme, toggle };
}
