import { useQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import type { By, Cause } from "./schema";

const REFRESH_MS = 60_000;
export const SPANS = ["shift", "before", "day", "week", "month"] as const;
export type Span = (typeof SPANS)[number];
const DAYS = { day: 1, week: 7, month: 30 };

/** From when to when; without an end, up to now. */
export interface Period {
  from: string;
  to?: string | undefined;
}

/** Figures of the plant, from a moment up to now. They follow the minute; whoever looks from three metres presses nothing. */
const common = { refetchInterval: REFRESH_MS, placeholderData: <T>(previous: T) => previous };

/** The shift before and the present one; or those that begin on a day, as YYYY-MM-DD of the plant's clock. */
export function useShifts(day: string) {
  return useQuery({
    queryKey: ["statistics", "shifts", day],
    queryFn: () => answer(api.GET("/api/v1/statistics/shifts", { params: { query: day ? { day } : {} } })),
    refetchInterval: REFRESH_MS,
  });
}

/** The period of a span; nothing while that is not known. A day is one of the browser's clock. */
export function usePeriod(span: Span): Period | undefined {
  const [before, present] = useShifts("").data ?? [];
  if (span === "shift") return present && { from: present.since };
  if (span === "before") return before && { from: before.since, to: before.until };
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - DAYS[span] + 1);
  return { from: day.toISOString() };
}

export function useYield(period: Period | undefined) {
  return useQuery({
    queryKey: ["statistics", "yield", period],
    queryFn: () => answer(api.GET("/api/v1/statistics/yield", { params: { query: { by: "recipe", ...period } } })),
    enabled: period !== undefined,
    ...common,
  });
}

export function usePareto(period: Period | undefined, cause: Cause) {
  return useQuery({
    queryKey: ["statistics", "pareto", period, cause],
    queryFn: () => answer(api.GET("/api/v1/statistics/pareto", { params: { query: { cause, ...period } } })),
    enabled: period !== undefined,
    ...common,
  });
}

export function usePChart(period: Period | undefined, by: By) {
  return useQuery({
    queryKey: ["statistics", "p-chart", period, by],
    queryFn: () => answer(api.GET("/api/v1/statistics/p-chart", { params: { query: { by, ...period } } })),
    enabled: period !== undefined,
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
export function useStops(period: Period | undefined) {
  return useQuery({
    queryKey: ["statistics", "stops", period],
    queryFn: () => answer(api.GET("/api/v1/inspections", { params: { query: { evaluation: "NotDecidable", ...period, limit: 6 } } })),
    enabled: period !== undefined,
    ...common,
  });
}
