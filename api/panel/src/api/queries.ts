import { useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { HISTORY_KEY, HISTORY_LENGTH, merge } from "./history";
import type { InspectionSummary } from "./schema";

export const ME_KEY = ["me"] as const;
export const RIG_KEY = ["rig"] as const;
export const COUNTS_KEY = ["counts"] as const;

export function useMe() {
  return useQuery({ queryKey: ME_KEY, queryFn: () => answer(api.GET("/api/v1/me")), staleTime: Infinity });
}

export function useRecipes() {
  return useQuery({ queryKey: ["recipes"], queryFn: () => answer(api.GET("/api/v1/recipes")) });
}

/** State of the rig. Events keep it fresh; asking as well finds out about a connection that died without a word. */
export function useRigState() {
  return useQuery({
    queryKey: RIG_KEY,
    queryFn: () => answer(api.GET("/api/v1/rig/state")),
    refetchInterval: 10_000,
    retry: false,
  });
}

export function useCounts(since: Date) {
  const at = since.toISOString();
  return useQuery({
    queryKey: [...COUNTS_KEY, at],
    queryFn: () => answer(api.GET("/api/v1/statistics/counts", { params: { query: { since: at } } })),
    refetchInterval: 60_000,
    placeholderData: (previous) => previous,
  });
}

const isPending = (item: InspectionSummary) => item.state !== "finished";

export function useHistory() {
  const client = useQueryClient();
  return useQuery({
    queryKey: HISTORY_KEY,
    queryFn: async () => {
      const page = await answer(api.GET("/api/v1/inspections", { params: { query: { limit: HISTORY_LENGTH } } }));
      const known = client.getQueryData<InspectionSummary[]>(HISTORY_KEY) ?? [];
      const ids = new Set(page.items.map((item) => item.id));
      // What the service no longer lists is gone, unless it began after the page was read.
      const newest = page.items[0]?.created ?? "";
      return merge(
        known.filter((item) => ids.has(item.id) || Date.parse(item.created) > Date.parse(newest)),
        page.items,
      );
    },
    // Events may be lost; an inspection that never ends on screen is worse than a question now and then.
    refetchInterval: ({ state }) => (state.data?.some(isPending) ? 3_000 : 60_000),
  });
}

/** The whole record of a finished inspection, which does not change any more. */
export function useInspection(item: InspectionSummary | null) {
  const id = item?.id ?? "";
  return useQuery({
    queryKey: ["inspection", id],
    queryFn: () => answer(api.GET("/api/v1/inspections/{inspection_id}", { params: { path: { inspection_id: id } } })),
    enabled: item?.state === "finished",
    staleTime: Infinity,
  });
}
