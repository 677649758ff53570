import { useQuery } from "@tanstack/react-query";
import { useAction } from "./action";
import { answer, api } from "./client";
import type { WebhookChange, WebhookRequest } from "./schema";

const WEBHOOKS_KEY = ["webhooks"] as const;
const DELIVERIES_KEY = ["deliveries"] as const;

export function useWebhooks() {
  return useQuery({ queryKey: WEBHOOKS_KEY, queryFn: () => answer(api.GET("/api/v1/webhooks")) });
}

export function useDeliveries(webhook_id: string) {
  return useQuery({
    queryKey: [...DELIVERIES_KEY, webhook_id],
    queryFn: () => answer(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params: { path: { webhook_id }, query: { limit: 20 } } })),
    refetchInterval: 10_000,
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

export function usePing() {
  return useAction((webhook_id: string) => answer(api.POST("/api/v1/webhooks/{webhook_id}/ping", { params: { path: { webhook_id } } })), { touches: [DELIVERIES_KEY] });
}

export function useResend(webhook_id: string) {
  return useAction(
    (delivery_id: string) => answer(api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", { params: { path: { webhook_id, delivery_id } } })),
    { touches: [DELIVERIES_KEY] },
  );
}
