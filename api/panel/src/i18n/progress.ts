import { i18next } from "./index";
import chinese from "./progress.zh.json";

/** The service's sentences as patterns: `{0}`, `{1}` stand for what changes from one to the next, and neither starts nor ends in a space. */
const SENTENCES = Object.entries(chinese).map(([english, words]) => ({
  pattern: new RegExp(`^${english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\d\}/g, "(\\S+)")}$`),
  words,
}));

/** What long work says of itself, in the reader's language; as the service wrote it where no sentence fits. */
export function progressText(message: string): { text: string; lang: "en" | undefined } {
  if (i18next.language !== "zh") return { text: message, lang: undefined };
  for (const { pattern, words } of SENTENCES) {
    const found = pattern.exec(message);
    if (found) return { text: words.replace(/\{(\d)\}/g, (_, place: string) => found[Number(place) + 1] ?? ""), lang: undefined };
  }
  return { text: message, lang: "en" };
}
