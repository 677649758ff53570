import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { Unreachable } from "./problem";

const RETRIES = 4;

interface Options {
  /** Whether doing it twice is the same as doing it once: then it is repeated while the service keeps silent. */
  isRepeatable?: boolean;
  /** What is to be read again afterwards, also where it failed: an answer that was lost may have been a good one. */
  touches?: readonly QueryKey[];
}

/** A change asked of the service. */
export function useAction<Wanted, Result>(act: (wanted: Wanted) => Promise<Result>, { isRepeatable = false, touches = [] }: Options = {}) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    retry: (count, error) => isRepeatable && error instanceof Unreachable && count < RETRIES,
    retryDelay: (count) => Math.min(500 * 2 ** count, 5_000),
    networkMode: "always",
    onSettled: () => Promise.all(touches.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}
