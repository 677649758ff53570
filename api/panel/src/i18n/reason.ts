import type { Reason } from "../api/schema";
import { i18next } from "./index";
import en from "./problems.en.json";
import zh from "./problems.zh.json";

interface Words {
  title: string;
  cure: string;
}

/** What every code of the service is in words. A finer code that is not here is told as the one it belongs to. */
const ENGLISH: Record<string, Words> = en;
const CHINESE: Record<string, Words> = zh;
const ANYTHING = "error";

const isChinese = () => i18next.language === "zh";

/** The words of a dotted code, or of the nearest part of it: of `device.frame_fault.dark`, then `device.frame_fault`, then `device`. */
function wordsOf(code: string): Words {
  const words = isChinese() ? CHINESE : ENGLISH;
  for (let known = code; known; known = known.slice(0, Math.max(0, known.lastIndexOf(".")))) {
    const found = words[known];
    if (found) return found;
  }
  return words[ANYTHING]!;
}

/** What happened, in a few words. */
export function reasonTitle(reason: Pick<Reason, "code">): string {
  return wordsOf(reason.code).title;
}

const isOwn = (code: string) => code.startsWith("panel.");

/**
 * What to do about it. The service writes English, and knows more of the case than a table can; in Chinese the table speaks. What the
 * panel itself says is in the reader's language already.
 */
export function reasonCure(reason: Pick<Reason, "code" | "cure">): string {
  return ((!isChinese() || isOwn(reason.code)) && reason.cure) || wordsOf(reason.code).cure;
}
