import type { Reason } from "../api/schema";
import { i18next } from "./index";

/**
 * The text kept under a dotted error code, or under the nearest part of it: `device.frame_fault.saturated` falls back to
 * `device.frame_fault`, then to `device._`, then to `_`.
 */
function nearest(root: "reason" | "cure", code: string): string | null {
  const parts = code.split(".");
  for (let length = parts.length; length >= 0; length--) {
    const path = [root, ...parts.slice(0, length)].join(".");
    for (const key of [path, `${path}._`]) {
      // Only texts of the language itself: a cure in English is the service's own.
      const text: unknown = i18next.getResource(i18next.language, "translation", key);
      if (typeof text === "string") return text;
    }
  }
  return null;
}

/** What happened, in a few words. */
export function reasonTitle(reason: Pick<Reason, "code">): string {
  return nearest("reason", reason.code) ?? reason.code;
}

/** What to do about it: the language's own words where it has them, else the service's. */
export function reasonCure(reason: Pick<Reason, "code" | "cure">): string {
  return nearest("cure", reason.code) ?? reason.cure;
}
