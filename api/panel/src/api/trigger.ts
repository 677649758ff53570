import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { remember } from "./history";
import { PendingKey } from "./idempotency";
import { ProblemError, Unreachable } from "./problem";
import type { InspectionRequest } from "./schema";

const RETRIES = 6;
const pending = new PendingKey();

const isWorthRepeating = (count: number, error: Error) => error instanceof Unreachable && count < RETRIES;
const backoff = (count: number) => Math.min(500 * 2 ** count, 5_000);

interface Asked {
  body: InspectionRequest;
  /** The newest inspection that the operator saw when the button was pressed. */
  seen: string | null;
}

/**
 * Asks for an inspection. However often it is repeated, by the panel or by the operator, the part is inspected once: the
 * key stays the same until the service has answered, or until a newer inspection was seen. That may be the one whose answer
 * was lost; whoever presses then means the next part, and must not be told the verdict of the last.
 */
export function useTrigger() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ body, seen }: Asked) => {
      const header = { "idempotency-key": pending.for({ body, seen }) };
      try {
        const inspection = await answer(api.POST("/api/v1/inspections", { body, params: { header } }));
        pending.answered();
        return inspection;
      } catch (error) {
        if (error instanceof ProblemError) pending.answered();
        throw error;
      }
    },
    retry: isWorthRepeating,
    retryDelay: backoff,
    networkMode: "always",
    onSuccess: (inspection) => remember(client, inspection),
  });
}

export function useCancel() {
  return useMutation({
    mutationFn: (id: string) =>
      answer(api.POST("/api/v1/inspections/{inspection_id}/cancel", { params: { path: { inspection_id: id } } })),
    retry: isWorthRepeating,
    retryDelay: backoff,
    networkMode: "always",
  });
}
