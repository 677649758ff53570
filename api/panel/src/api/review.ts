import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { remember } from "./history";
import { Unreachable } from "./problem";
import type { Inspection, ReviewRequest } from "./schema";

const RETRIES = 4;

const read = (id: string) => answer(api.GET("/api/v1/inspections/{inspection_id}", { params: { path: { inspection_id: id } } }));
const lastOf = (inspection: Inspection) => inspection.reviews?.at(-1);

/**
 * Confirms or overrules a verdict. Every review is kept, so one whose answer was lost is not simply sent again: first it is
 * asked whether it arrived.
 */
export function useReview(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: ReviewRequest) => {
      const before = client.getQueryData<Inspection>(["inspection", id])?.reviews?.length ?? (await read(id)).reviews?.length ?? 0;
      for (let tries = 0; ; tries++) {
        try {
          return await answer(api.POST("/api/v1/inspections/{inspection_id}/review", { params: { path: { inspection_id: id } }, body }));
        } catch (error) {
          if (!(error instanceof Unreachable) || tries === RETRIES) throw error;
        }
        await new Promise((resolve) => window.setTimeout(resolve, 500 * 2 ** tries));
        const now = await read(id).catch(() => null);
        const last = now && lastOf(now);
        if (now && last && (now.reviews?.length ?? 0) > before && last.evaluation === body.evaluation && last.reason === (body.reason ?? null)) return now;
      }
    },
    networkMode: "always",
    onSuccess: (inspection) => {
      client.setQueryData(["inspection", id], inspection);
      remember(client, inspection);
      void client.invalidateQueries({ queryKey: ["search"] });
    },
  });
}
