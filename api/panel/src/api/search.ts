import { useInfiniteQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import type { Evaluation, operations } from "./schema";

/** What is looked for; an empty text looks for everything. Days are the plant's, as `YYYY-MM-DD`. */
export interface Wanted {
  serial: string;
  lot: string;
  recipe: string;
  evaluation: Evaluation | "";
  from: string;
  to: string;
}

export const EVERYTHING: Wanted = { serial: "", lot: "", recipe: "", evaluation: "", from: "", to: "" };
const PAGE = 50;

type Query = NonNullable<operations["list_inspections"]["parameters"]["query"]>;

function midnight(day: string, later = 0): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** The filters as the service takes them. */
export function queryOf(wanted: Wanted): Query {
  return {
    ...(wanted.serial.trim() && { serial: wanted.serial.trim() }),
    ...(wanted.lot.trim() && { lot: wanted.lot.trim() }),
    ...(wanted.recipe && { recipe: wanted.recipe }),
    ...(wanted.evaluation && { evaluation: wanted.evaluation }),
    ...(wanted.from && { from: midnight(wanted.from) }),
    ...(wanted.to && { to: midnight(wanted.to, 1) }),
  };
}

/** Inspections that fit, newest first, page by page. */
export function useSearch(wanted: Wanted) {
  return useInfiniteQuery({
    queryKey: ["search", wanted],
    queryFn: ({ pageParam }) => answer(api.GET("/api/v1/inspections", { params: { query: { ...queryOf(wanted), limit: PAGE, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 60_000,
  });
}

/** Where the same inspections are found as a table. */
export function exportUrl(wanted: Wanted): string {
  return `/api/v1/inspections/export.csv?${new URLSearchParams(queryOf(wanted) as Record<string, string>)}`;
}
