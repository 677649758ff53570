import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Webhook } from "../api/schema";
import { useChangeWebhook, useDeleteWebhook, usePing, useRotateSecret } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { Deliveries } from "./Deliveries";
import { EditWebhook } from "./EditWebhook";

/** For how long messages are signed with the secret before, too: time to change the receiver over, h. */
const OVERLAP_HOURS = 24;

type Shown = "deliveries" | "edit" | null;

/** One address: tried, changed, given another secret, switched off, deleted; and its messages. */
export function WebhookCard({ hook }: { hook: Webhook }) {
  const { t } = useTranslation();
  const change = useChangeWebhook();
  const remove = useDeleteWebhook();
  const ping = usePing();
  const rotate = useRotateSecret();
  const [shown, setShown] = useState<Shown>(null);
  const [armed, setArmed] = useState<"rotate" | "delete" | null>(null);
  const failed = [change, remove, ping, rotate].find(({ error }) => error) ?? change;
  const toggle = (name: Shown) => setShown(shown === name ? null : name);
  const twice = (name: "rotate" | "delete", act: () => void) => () => {
    if (armed === name) act();
    setArmed(armed === name ? null : name);
  };
  return (
    <article className="block" aria-label={hook.url}>
      <h3>{hook.url}</h3>
      <p>
        {hook.description} {hook.events.join(", ")} {hook.disabled && <b className="wrong">{t("webhooks.disabled")} <span lang="en">{hook.disabled_reason}</span></b>}
      </p>
      <div className="row">
        <Button className="tool" isDisabled={ping.isPending} onPress={() => ping.mutate(hook.id, { onSuccess: () => setShown("deliveries") })}>
          {t("webhooks.ping")}
        </Button>
        <Button className="tool" aria-expanded={shown === "deliveries"} onPress={() => toggle("deliveries")}>
          {t("webhooks.deliveries")}
        </Button>
        <Button className="tool" aria-expanded={shown === "edit"} onPress={() => toggle("edit")}>
          {t("webhooks.change")}
        </Button>
        <Button className={armed === "rotate" ? "tool armed" : "tool"} isDisabled={rotate.isPending} onPress={twice("rotate", () => rotate.mutate({ webhook_id: hook.id, overlap_hours: OVERLAP_HOURS }))}>
          {armed === "rotate" ? t("app.signOutConfirm") : t("webhooks.rotate")}
        </Button>
        <Button className="tool" isDisabled={change.isPending} onPress={() => change.mutate({ webhook_id: hook.id, change: { is_disabled: hook.disabled === null } })}>
          {hook.disabled ? t("webhooks.enable") : t("webhooks.disable")}
        </Button>
        <Button className={armed === "delete" ? "tool armed" : "tool"} isDisabled={remove.isPending} onPress={twice("delete", () => remove.mutate(hook.id))}>
          {armed === "delete" ? t("app.signOutConfirm") : t("webhooks.delete")}
        </Button>
      </div>
      <Outcome action={failed} />
      {rotate.data && (
        <>
          <p role="status">{t("webhooks.rotated", { hours: OVERLAP_HOURS })}</p>
          <code className="secret">{rotate.data.secret}</code>
        </>
      )}
      {shown === "edit" && <EditWebhook key={hook.id} hook={hook} onDone={() => setShown(null)} />}
      {shown === "deliveries" && <Deliveries webhook={hook.id} />}
    </article>
  );
}
