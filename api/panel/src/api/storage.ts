import { useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import { TASKS_KEY } from "./tasks";

export function useRetention() {
  return useQuery({ queryKey: ["rig", "retention"], queryFn: () => answer(api.GET("/api/v1/rig/retention")) });
}

export function useRunRetention() {
  return useAction(() => answer(api.POST("/api/v1/rig/retention")), { touches: [TASKS_KEY] });
}

export function useBackups() {
  return useQuery({ queryKey: ["backups"], queryFn: () => answer(api.GET("/api/v1/backups")) });
}

export function useBackUp() {
  return useAction(() => answer(api.POST("/api/v1/backups")), { touches: [TASKS_KEY] });
}

/** Asks nothing to change; it is an action because it takes a while and is wanted when somebody says so. */
export function useCheckBackup() {
  return useAction((name: string) => answer(api.GET("/api/v1/backups/{name}/check", { params: { path: { name } } })), { isRepeatable: true });
}
