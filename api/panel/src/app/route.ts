import { useSyncExternalStore } from "react";

/** Where one is: `#/history/0153` is the page `history` with the rest `0153`. */
export interface Route {
  page: string;
  rest: string;
}

const PATTERN = /^#\/([a-z]+)(?:\/(.*))?$/;

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The page in the address, behind the `#`: the service answers every address with the panel, and needs to know none of them. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  const [, page = "", rest = ""] = PATTERN.exec(hash) ?? [];
  return { page, rest: decoded(rest) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // an address that somebody typed
  }
}

export const hashOf = (page: string, rest = ""): string => `#/${page}${rest && `/${encodeURIComponent(rest)}`}`;

/** Changes the rest of the address without a step in the browser's history, such as while arrow keys go through a list. */
export function replaceRest(page: string, rest: string): void {
  window.history.replaceState(null, "", hashOf(page, rest));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}
