import { useTranslation } from "react-i18next";
import { useWebhooks } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import "./admin.css";
import { NewWebhook } from "./NewWebhook";
import { WebhookCard } from "./WebhookCard";

/** Addresses that are told of events. */
export function Webhooks() {
  const { t } = useTranslation();
  const webhooks = useWebhooks();
  return (
    <>
      <NewWebhook />
      <section className="card block">
        <h2>{t("admin.webhooks")}</h2>
        <Outcome action={webhooks} />
        {webhooks.data?.length === 0 && <p className="lead">{t("webhooks.none")}</p>}
        {webhooks.data?.map((hook) => <WebhookCard key={hook.id} hook={hook} />)}
      </section>
    </>
  );
}
