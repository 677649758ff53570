import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { KeyRequest, UserChange, UserRequest } from "./schema";

const USERS_KEY = ["users"] as const;
const KEYS_KEY = ["keys"] as const;
const SESSIONS_KEY = ["sessions"] as const;

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

/** Never repeated by itself: each time another password is made, and the one before works no more. */
export function useGivePassword() {
  return useAction((name: string) => answer(api.POST("/api/v1/users/{name}/password", { params: { path: { name } } })), { touches: [USERS_KEY] });
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

/** What of the audit log is wanted; empty texts stand for anything. */
export interface AuditFilter {
  actor: string;
  action: string;
  target: string;
  from: string;
  to: string;
}

/** The filter as the service takes it. Times are those of this computer's clock. */
export function auditQuery(filter: AuditFilter): Record<string, string> {
  const moment = (local: string) => new Date(local).toISOString();
  const filled = Object.entries(filter).filter(([, value]) => value !== "");
  return Object.fromEntries(filled.map(([name, value]) => [name, name === "from" || name === "to" ? moment(value) : value]));
}

export function useAudit(filter: AuditFilter) {
  return useInfiniteQuery({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => answer(api.GET("/api/v1/audit", { params: { query: { limit: 50, ...auditQuery(filter), ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
  });
}

export function useCheckAudit() {
  return useAction(() => answer(api.GET("/api/v1/audit/check")), { isRepeatable: true });
}

export function useOwnSessions() {
  return useQuery({ queryKey: SESSIONS_KEY, queryFn: () => answer(api.GET("/api/v1/me/sessions")) });
}

export function useEndSession() {
  return useAction((session_id: string) => answer(api.DELETE("/api/v1/me/sessions/{session_id}", { params: { path: { session_id } } })), { touches: [SESSIONS_KEY] });
}
