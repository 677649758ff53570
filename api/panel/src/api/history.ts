import type { QueryClient } from "@tanstack/react-query";
import type { InspectionSummary } from "./schema";
import { STAGES } from "./stages";

export const HISTORY_LENGTH = 20;
export const HISTORY_KEY = ["inspections"] as const;

const STATES = ["queued", "running", "finished"];

/** How far an inspection has come: it only ever goes forward. */
function progress(of: InspectionSummary): number {
  return STATES.indexOf(of.state) * 10 + (of.stage ? STAGES.indexOf(of.stage) : 0);
}

/**
 * One list, newest first, from two that were read at different times. Events overtake answers, so of two versions of an
 * inspection the one further on is kept, whichever came last.
 */
export function merge(older: readonly InspectionSummary[], newer: readonly InspectionSummary[]): InspectionSummary[] {
  const byId = new Map(older.map((item) => [item.id, item]));
  for (const item of newer) {
    const known = byId.get(item.id);
    if (!known || progress(item) >= progress(known)) byId.set(item.id, item);
  }
  return [...byId.values()].sort((a, b) => Date.parse(b.created) - Date.parse(a.created)).slice(0, HISTORY_LENGTH);
}

export function remember(client: QueryClient, item: InspectionSummary): void {
  client.setQueryData<InspectionSummary[]>(HISTORY_KEY, (known) => merge(known ?? [], [item]));
}
