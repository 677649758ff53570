import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useChangeWebhook, useDeleteWebhook, usePing, useWebhooks } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { Deliveries } from "./Deliveries";
import { NewWebhook } from "./NewWebhook";

/** Addresses that are told of events. */
export function Webhooks() {
  const { t } = useTranslation();
  const webhooks = useWebhooks();
  const change = useChangeWebhook();
  const remove = useDeleteWebhook();
  const ping = usePing();
  const [shown, setShown] = useState<string | null>(null);
  const [armed, setArmed] = useState("");
  const failed = [change, remove, ping].find(({ error }) => error) ?? webhooks;
  return (
    <>
      <NewWebhook />
      <section className="card block">
        <h2>{t("admin.webhooks")}</h2>
        <Outcome action={failed} />
        {webhooks.data?.length === 0 && <p className="lead">{t("webhooks.none")}</p>}
        {webhooks.data?.map((hook) => (
          <article key={hook.id} className="block" aria-label={hook.url}>
            <h3>{hook.url}</h3>
            <p>
              {hook.description} {hook.events.join(", ")} {hook.disabled && <b className="wrong">{t("webhooks.disabled")} {hook.disabled_reason}</b>}
            </p>
            <div className="row">
              <Button className="tool" isDisabled={ping.isPending} onPress={() => ping.mutate(hook.id, { onSuccess: () => setShown(hook.id) })}>
                {t("webhooks.ping")}
              </Button>
              <Button className="tool" aria-expanded={shown === hook.id} onPress={() => setShown(shown === hook.id ? null : hook.id)}>
                {t("webhooks.deliveries")}
              </Button>
              <Button className="tool" isDisabled={change.isPending} onPress={() => change.mutate({ webhook_id: hook.id, change: { is_disabled: hook.disabled === null } })}>
                {hook.disabled ? t("webhooks.enable") : t("webhooks.disable")}
              </Button>
              <Button className={armed === hook.id ? "tool armed" : "tool"} isDisabled={remove.isPending} onPress={() => (armed === hook.id ? remove.mutate(hook.id) : setArmed(hook.id))}>
                {armed === hook.id ? t("app.signOutConfirm") : t("webhooks.delete")}
              </Button>
            </div>
            {shown === hook.id && <Deliveries webhook={hook.id} />}
          </article>
        ))}
      </section>
    </>
  );
}
