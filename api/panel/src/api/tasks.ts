import { type QueryClient, type QueryKey, useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { Task, TaskKind } from "./schema";

export const TASKS_KEY = ["tasks"] as const;
const LONGEST = 50;

/** Whether there is still something to wait for. */
export const isOpen = (task: Task | undefined) => task?.state === "running" || task?.state === "waiting";

/** What is to be read again when a work of a kind has ended. */
const CHANGED: Record<TaskKind, readonly QueryKey[]> = {
  teach: [["recipe"], ["recipes"]],
  rejudge: [],
  calibration_check: [["rig", "calibration"]],
  self_test: [],
  capture: [["rig", "captures"], ["rig", "timing"]],
  backup: [["backups"]],
  retention: [["rig", "storage"], ["rig", "retention"]],
};

/** Takes an event of long work into the list; what ended has changed something and is worth reading whole. */
export function rememberTask(client: QueryClient, task: Task): void {
  client.setQueryData<Task[]>(TASKS_KEY, (known) => (known && [task, ...known.filter(({ id }) => id !== task.id)].slice(0, LONGEST)));
  if (isOpen(task)) return;
  for (const queryKey of CHANGED[task.kind]) void client.invalidateQueries({ queryKey });
  void client.invalidateQueries({ queryKey: ["task", task.id] });
}

/** The last long works, newest first. */
export function useTasks() {
  return useQuery({
    queryKey: TASKS_KEY,
    queryFn: async () => [...(await answer(api.GET("/api/v1/tasks")))].sort((a, b) => Date.parse(b.created) - Date.parse(a.created)),
    // Events may be lost; work that never ends on screen is worse than a question now and then.
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? 5_000 : 60_000),
  });
}

/** One of them, with what came of it. */
export function useTask(task: Task | undefined) {
  const id = task?.id ?? "";
  return useQuery({
    queryKey: ["task", id],
    queryFn: () => answer(api.GET("/api/v1/tasks/{task_id}", { params: { path: { task_id: id } } })),
    enabled: task !== undefined && !isOpen(task),
  });
}

/** The last work of one of some kinds, with what came of it where it has ended well. */
export function useLastTask(...kinds: readonly TaskKind[]) {
  const task = useTasks().data?.find(({ kind }) => kinds.includes(kind));
  return { task, result: useTask(task).data?.result };
}

/** Say that what it waits for is done. */
export function useContinue() {
  return useAction((id: string) => answer(api.POST("/api/v1/tasks/{task_id}/continue", { params: { path: { task_id: id } } })), { touches: [TASKS_KEY] });
}

export function useGiveUp() {
  return useAction((id: string) => answer(api.POST("/api/v1/tasks/{task_id}/cancel", { params: { path: { task_id: id } } })), { touches: [TASKS_KEY] });
}
