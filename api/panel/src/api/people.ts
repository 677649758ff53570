import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { KeyRequest, UserChange, UserRequest } from "./schema";

const USERS_KEY = ["users"] as const;
const KEYS_KEY = ["keys"] as const;

export function useUsers() {
  return useQuery({ queryKey: USERS_KEY, queryFn: () => answer(api.GET("/api/v1/users")) });
}

/** Names are given once: a user or key made by an answer that was lost is refused the second time, not made twice. */
export function useCreateUser() {
  return useAction((body: UserRequest) => answer(api.POST("/api/v1/users", { body })), { touches: [USERS_KEY] });
}

export function useChangeUser() {
  return useAction(({ name, change }: { name: string; change: UserChange }) => answer(api.PATCH("/api/v1/users/{name}", { params: { path: { name } }, body: change })), {
    isRepeatable: true,
    touches: [USERS_KEY],
  });
}

export function useKeys() {
  return useQuery({ queryKey: KEYS_KEY, queryFn: () => answer(api.GET("/api/v1/keys")) });
}

export function useCreateKey() {
  return useAction((body: KeyRequest) => answer(api.POST("/api/v1/keys", { body })), { touches: [KEYS_KEY] });
}

export function useRevokeKey() {
  return useAction((name: string) => answer(api.DELETE("/api/v1/keys/{name}", { params: { path: { name } } })), { isRepeatable: true, touches: [KEYS_KEY] });
}

export function useAudit() {
  return useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => answer(api.GET("/api/v1/audit", { params: { query: { limit: 50, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}
