import { useQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import type { By, Cause } from "./schema";

const REFRESH_MS = 60_000;
export const SPANS = ["shift", "day", "week", "month"] as const;
export type Span = (typeof SPANS)[number];
const DAYS = { day: 1, week: 7, month: 30 };

/** Figures of the plant, from a moment up to now. They follow the minute; whoever looks from three metres presses nothing. */
const common = { refetchInterval: REFRESH_MS, placeholderData: <T>(previous: T) => previous };

/** When the last shift began in which a part was inspected. */
function useShiftBegin() {
  return useQuery({
    queryKey: ["statistics", "shift"],
    queryFn: async () => {
      const from = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString();
      const found = await answer(api.GET("/api/v1/statistics/yield", { params: { query: { by: "shift", from } } }));
      const begin = found.groups.at(-1)?.group;
      return begin === undefined ? null : new Date(begin).toISOString();
    },
    ...common,
  });
}

/** When a span began; nothing while that is not known. A day is one of the browser's clock. */
export function useBegin(span: Span): string | undefined {
  const shift = useShiftBegin();
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  if (span !== "shift") {
    day.setDate(day.getDate() - DAYS[span] + 1);
    return day.toISOString();
  }
  return shift.isPending ? undefined : (shift.data ?? day.toISOString());
}

export function useYield(from: string | undefined) {
  return useQuery({
    queryKey: ["statistics", "yield", from],
    queryFn: () => answer(api.GET("/api/v1/statistics/yield", { params: { query: { by: "recipe", from } } })),
    enabled: from !== undefined,
    ...common,
  });
}

export function usePareto(from: string | undefined, cause: Cause) {
  return useQuery({
    queryKey: ["statistics", "pareto", from, cause],
    queryFn: () => answer(api.GET("/api/v1/statistics/pareto", { params: { query: { cause, from } } })),
    enabled: from !== undefined,
    ...common,
  });
}

export function usePChart(from: string | undefined, by: By) {
  return useQuery({
    queryKey: ["statistics", "p-chart", from, by],
    queryFn: () => answer(api.GET("/api/v1/statistics/p-chart", { params: { query: { by, from } } })),
    enabled: from !== undefined,
    ...common,
  });
}

export function useDrift(recipe: string | null | undefined) {
  return useQuery({
    queryKey: ["statistics", "drift", recipe],
    queryFn: () => answer(api.GET("/api/v1/statistics/drift", { params: { query: { recipe: recipe ?? "" } } })),
    enabled: !!recipe,
    ...common,
  });
}

/** The last times the station could not look. */
export function useStops(from: string | undefined) {
  return useQuery({
    queryKey: ["statistics", "stops", from],
    queryFn: () => answer(api.GET("/api/v1/inspections", { params: { query: { evaluation: "NotDecidable", from, limit: 6 } } })),
    enabled: from !== undefined,
    ...common,
  });
}
