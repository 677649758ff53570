import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { DeliveryState, WebhookChange, WebhookRequest } from "./schema";

const WEBHOOKS_KEY = ["webhooks"] as const;
const DELIVERIES_KEY = ["deliveries"] as const;

/** Read again now and then: the station switches off one that nobody listens at. */
export function useWebhooks() {
  return useQuery({ queryKey: WEBHOOKS_KEY, queryFn: () => answer(api.GET("/api/v1/webhooks")), refetchInterval: 10_000 });
}

export function useDeliveries(webhook_id: string, state: DeliveryState | null) {
  return useInfiniteQuery({
    queryKey: [...DELIVERIES_KEY, webhook_id, state],
    queryFn: ({ pageParam }) =>
      answer(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params: { path: { webhook_id }, query: { limit: 20, ...(state && { state }), ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 10_000,
  });
}

/** A message with its body and every try. */
export function useDelivery(webhook_id: string, delivery_id: string) {
  return useQuery({
    queryKey: [...DELIVERIES_KEY, webhook_id, "one", delivery_id],
    queryFn: () => answer(api.GET("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", { params: { path: { webhook_id, delivery_id } } })),
  });
}

export function useCreateWebhook() {
  return useAction((body: WebhookRequest) => answer(api.POST("/api/v1/webhooks", { body })), { touches: [WEBHOOKS_KEY] });
}

export function useChangeWebhook() {
  return useAction(
    ({ webhook_id, change }: { webhook_id: string; change: WebhookChange }) => answer(api.PATCH("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id } }, body: change })),
    { isRepeatable: true, touches: [WEBHOOKS_KEY] },
  );
}

export function useDeleteWebhook() {
  return useAction((webhook_id: string) => answer(api.DELETE("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id } } })), { touches: [WEBHOOKS_KEY] });
}

/** Never repeated by itself: each time another secret is made. */
export function useRotateSecret() {
  return useAction(
    ({ webhook_id, overlap_hours }: { webhook_id: string; overlap_hours: number }) =>
      answer(api.POST("/api/v1/webhooks/{webhook_id}/rotate-secret", { params: { path: { webhook_id } }, body: { overlap_hours } })),
    { touches: [WEBHOOKS_KEY] },
  );
}

export function usePing() {
  return useAction((webhook_id: string) => answer(api.POST("/api/v1/webhooks/{webhook_id}/ping", { params: { path: { webhook_id } } })), { touches: [DELIVERIES_KEY] });
}

export function useResend(webhook_id: string) {
  return useAction(
    (delivery_id: string) => answer(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", { params: { path: { webhook_id, delivery_id } } })),
    { touches: [DELIVERIES_KEY] },
  );
}
