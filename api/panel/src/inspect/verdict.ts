import type { InspectionSummary, RigState } from "../api/schema";

/** What the card shows. Not only a verdict: a station also waits, works, or cannot. */
export type VerdictKind = "ok" | "notOk" | "notDecidable" | "running" | "queued" | "ready" | "notReady" | "unknown";

const OF_EVALUATION = { OK: "ok", NotOK: "notOk", NotDecidable: "notDecidable", Undefined: "unknown" } as const;

export function kindOf(item: InspectionSummary): VerdictKind {
  return item.state === "finished" ? OF_EVALUATION[item.evaluation] : item.state;
}

/** A station in these states takes no part. In Error it does: a fault may pass, and the next inspection tells. */
const CLOSED = new Set<RigState["state"]>(["Preoperational", "Initialized", "Halted"]);

export const isClosed = (rig: RigState | undefined) => rig !== undefined && CLOSED.has(rig.state);

/** Kind of the card for the newest inspection, or for the station where there is none. */
export function currentKind(latest: InspectionSummary | null, rig: RigState | undefined): VerdictKind {
  if (latest) return kindOf(latest);
  if (!rig) return "unknown";
  return isClosed(rig) || rig.state === "Error" ? "notReady" : "ready";
}

export function startOfToday(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate());
}
