import { useQuery } from "@tanstack/react-query";
import { cloudOf } from "./cloud";

export const ALL_POINTS = 1_000_000;

/** The points of an inspection, loaded once they are needed, and soon forgotten: they take some thirty megabytes. */
export function useCloud(inspectionId: string, points: number, isWanted: boolean) {
  return useQuery({
    queryKey: ["cloud", inspectionId, points],
    queryFn: async ({ signal }) => {
      const answer = await fetch(`/api/v1/inspections/${inspectionId}/cloud.bin?points=${points}`, { signal });
      if (!answer.ok) throw new Error(`cloud.bin: ${answer.status}`);
      return cloudOf(await answer.arrayBuffer());
    },
    enabled: isWanted,
    staleTime: Infinity,
    gcTime: 30_000,
    retry: 1,
    // Comparing two clouds number by number would take longer than loading one.
    structuralSharing: false,
  });
}
