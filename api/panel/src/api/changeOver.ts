import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import { RIG_KEY } from "./queries";

/** Sets the station to another recipe. */
export function useChangeOver() {
  const client = useQueryClient();
  return useAction(
    async (recipe: string) => {
      const state = await answer(api.PUT("/api/v1/rig/recipe", { body: { recipe } }));
      client.setQueryData(RIG_KEY, state);
      return state;
    },
    { isRepeatable: true },
  );
}
