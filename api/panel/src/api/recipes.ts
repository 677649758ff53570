import { useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { NewRecipe, RecipeChange, TeachRequest } from "./schema";
import { TASKS_KEY } from "./tasks";

const touches = [["recipe"], ["recipes"], ["threshold"]] as const;

export function useRecipe(recipe: string) {
  return useQuery({
    queryKey: ["recipe", recipe],
    queryFn: () => answer(api.GET("/api/v1/recipes/{recipe}", { params: { path: { recipe } } })),
    enabled: recipe !== "",
  });
}

export function useVersions(recipe: string) {
  return useQuery({
    queryKey: ["recipe", recipe, "versions"],
    queryFn: async () => [...(await answer(api.GET("/api/v1/recipes/{recipe}/versions", { params: { path: { recipe } } })))].sort((a, b) => b.version - a.version),
  });
}

/** What another threshold would have changed over the last parts. */
export function usePreview(recipe: string, threshold: number, last: number) {
  return useQuery({
    queryKey: ["threshold", recipe, threshold, last],
    queryFn: () => answer(api.GET("/api/v1/recipes/{recipe}/threshold/preview", { params: { path: { recipe }, query: { threshold, last } } })),
    placeholderData: (previous) => previous,
  });
}

/** Good parts that a recipe may be taught from: the worst of them first, for those are worth a second look. */
export function useCandidates(recipe: string, count: number) {
  return useQuery({
    queryKey: ["search", "candidates", recipe, count],
    queryFn: async () => {
      const page = await answer(api.GET("/api/v1/inspections", { params: { query: { recipe, evaluation: "OK", limit: count } } }));
      return page.items.filter((item) => item.reviewed_as !== "NotOK").sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    },
    enabled: recipe !== "",
  });
}

/** What teaching a model thought of each part that it was taught from. */
export function useModelReport(recipe: string, model_id: string) {
  return useQuery({
    queryKey: ["recipe", recipe, "report", model_id],
    queryFn: () => answer(api.GET("/api/v1/recipes/{recipe}/models/{model_id}/report", { params: { path: { recipe, model_id } } })),
    staleTime: Infinity, // models never change
  });
}

/** The last part of a recipe that has pictures, to show what its settings mean. */
export function useLastPictured(recipe: string) {
  return useQuery({
    queryKey: ["search", "pictured", recipe],
    queryFn: async () => {
      const page = await answer(api.GET("/api/v1/inspections", { params: { query: { recipe, limit: 20 } } }));
      const found = page.items.find((item) => item.thumbnail_url !== null);
      return found ? answer(api.GET("/api/v1/inspections/{inspection_id}", { params: { path: { inspection_id: found.id } } })) : null;
    },
    enabled: recipe !== "",
  });
}

/** Writes the version it was thought of for, as a new threshold does. */
export function useChangeRecipe(recipe: string) {
  return useAction((body: RecipeChange) => answer(api.PUT("/api/v1/recipes/{recipe}", { params: { path: { recipe } }, body })), { touches });
}

export function useSigningKey() {
  return useQuery({ queryKey: ["signing key"], queryFn: () => answer(api.GET("/api/v1/recipe-signing-key")), staleTime: Infinity });
}

export function useImportRecipe() {
  return useAction(
    (file: File) =>
      // The contract calls a file a text; it goes as it is.
      answer(api.POST("/api/v1/recipes/import", { body: file as unknown as string, bodySerializer: (body: unknown) => body as File, headers: { "Content-Type": "application/zip" } })),
    { touches },
  );
}

export function useCreateRecipe() {
  return useAction((body: NewRecipe) => answer(api.POST("/api/v1/recipes", { body })), { touches });
}

export function useTeach(recipe: string) {
  return useAction((body: TeachRequest) => answer(api.POST("/api/v1/recipes/{recipe}/teach", { params: { path: { recipe } }, body })), { touches: [TASKS_KEY] });
}

/** Writes the version it was decided on, so that repeating it after a lost answer is refused rather than done twice. */
export function useSetThreshold(recipe: string) {
  return useAction(
    (body: { threshold: number | null; note: string; expected_version: number }) =>
      answer(api.PUT("/api/v1/recipes/{recipe}/threshold", { params: { path: { recipe } }, body })),
    { touches },
  );
}

export function useActivate(recipe: string) {
  return useAction(
    ({ model_id, note }: { model_id: string; note: string }) =>
      answer(api.POST("/api/v1/recipes/{recipe}/models/{model_id}/activate", { params: { path: { recipe, model_id } }, body: { note } })),
    { touches },
  );
}

export function useRollBack(recipe: string) {
  return useAction((body: { version: number; note: string }) => answer(api.POST("/api/v1/recipes/{recipe}/roll-back", { params: { path: { recipe } }, body })), { touches });
}
