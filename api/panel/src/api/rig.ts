import { useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import { RIG_KEY } from "./queries";
import { TASKS_KEY } from "./tasks";

export function useCalibration() {
  return useQuery({ queryKey: ["rig", "calibration"], queryFn: () => answer(api.GET("/api/v1/rig/calibration")) });
}

export function useStorage() {
  return useQuery({ queryKey: ["rig", "storage"], queryFn: () => answer(api.GET("/api/v1/rig/storage")), refetchInterval: 60_000 });
}

export function useConfiguration() {
  return useQuery({ queryKey: ["rig", "configuration"], queryFn: () => answer(api.GET("/api/v1/rig/configuration")) });
}

export function useCaptures() {
  return useQuery({ queryKey: ["rig", "captures"], queryFn: () => answer(api.GET("/api/v1/rig/captures")) });
}

export function useLights() {
  return useQuery({ queryKey: ["rig", "lights"], queryFn: () => answer(api.GET("/api/v1/rig/preview/lights")), staleTime: Infinity });
}

/** A scan step by step: planned, and as the last one was. */
export function useTiming(link_mb_s: number) {
  return useQuery({
    queryKey: ["rig", "timing", link_mb_s],
    queryFn: () => answer(api.GET("/api/v1/rig/timing", { params: { query: { link_mb_s } } })),
    placeholderData: (previous) => previous,
  });
}

export function useSelfTest() {
  return useAction(() => answer(api.POST("/api/v1/rig/self-test")), { touches: [TASKS_KEY, RIG_KEY] });
}

export function useCheckCalibration() {
  return useAction(() => answer(api.POST("/api/v1/rig/calibration/check")), { touches: [TASKS_KEY] });
}

/** Captures have names of their own: asking twice for one makes no second one. */
export function useCapture() {
  return useAction((name: string) => answer(api.POST("/api/v1/rig/captures", { body: { name } })), { touches: [TASKS_KEY] });
}

export function useReload() {
  return useAction(() => answer(api.POST("/api/v1/rig/reload")), { isRepeatable: true, touches: [["rig"], RIG_KEY] });
}
