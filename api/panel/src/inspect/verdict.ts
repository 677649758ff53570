import type { InspectionSummary, Reason, RigState } from "../api/schema";

/** What the card shows. Not only a verdict: a station also waits, works, or cannot. */
export type VerdictKind = "ok" | "notOk" | "notDecidable" | "running" | "queued" | "ready" | "notReady" | "notStarted" | "unknown";

/** Why the button cannot be pressed, and what to do about it, in words. */
export interface Hindrance {
  why: string;
  todo: string;
}

/** A press of the button that no inspection has come of yet. */
export type Attempt = { state: "sending" } | { state: "failed"; reason: Reason };

const OF_EVALUATION = { OK: "ok", NotOK: "notOk", NotDecidable: "notDecidable", Undefined: "unknown" } as const;

export function kindOf(item: InspectionSummary): VerdictKind {
  return item.state === "finished" ? OF_EVALUATION[item.evaluation] : item.state;
}

/** A station in these states takes no part. In Error it does: a fault may pass, and the next inspection tells. */
const CLOSED = new Set<RigState["state"]>(["Preoperational", "Initialized", "Halted"]);

export const isClosed = (rig: RigState | undefined) => rig !== undefined && CLOSED.has(rig.state);

/**
 * Kind of the card for the newest inspection, or for the station where there is none. From the press of the button on, the
 * verdict of the part before is not shown any more: nobody is to take it for the verdict of the part on the rig.
 */
export function currentKind(latest: InspectionSummary | null, rig: RigState | undefined, attempt: Attempt | null): VerdictKind {
  if (attempt) return attempt.state === "sending" ? "queued" : "notStarted";
  if (latest) return kindOf(latest);
  if (!rig) return "unknown";
  return isClosed(rig) || rig.state === "Error" ? "notReady" : "ready";
}

export function startOfDay(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}

/** No shift lasts longer: a verdict older than this says nothing about the part on the rig. */
const VERDICT_LASTS_MS = 12 * 3600 * 1000;

export function isRecent(item: InspectionSummary, now: Date): boolean {
  return item.finished === null || now.getTime() - Date.parse(item.finished) < VERDICT_LASTS_MS;
}
