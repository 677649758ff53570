import { useState } from "react";

/** A short text that outlives a reload, such as the lot being worked on. */
export function useStoredText(name: string): [string, (value: string) => void] {
  const key = `d3station.${name}`;
  const [value, setValue] = useState(() => localStorage.getItem(key) ?? "");
  const store = (next: string) => {
    localStorage.setItem(key, next);
    setValue(next);
  };
  return [value, store];
}
