import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { WebhookEvent } from "../api/schema";
import { useCreateWebhook } from "../api/webhooks";
import { Outcome } from "../app/Outcome";

const EVENTS: readonly WebhookEvent[] = ["inspection.finished", "inspection.reviewed", "station.error", "station.recovered"];

/** An address to tell. Its secret is shown once. */
export function NewWebhook() {
  const { t } = useTranslation();
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<readonly WebhookEvent[]>(["inspection.finished"]);
  const create = useCreateWebhook();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ url, events: [...events], description: "" }, { onSuccess: () => setUrl("") });
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("webhooks.new")}</h2>
      <label className="field">
        <span>{t("webhooks.url")}</span>
        <input type="url" value={url} required maxLength={2000} autoComplete="off" spellCheck={false} onChange={(event) => setUrl(event.target.value)} />
      </label>
      <fieldset className="row plain">
        <legend>{t("webhooks.events")}</legend>
        {EVENTS.map((name) => (
          <label key={name} className="check">
            <input type="checkbox" checked={events.includes(name)} onChange={() => setEvents(events.includes(name) ? events.filter((one) => one !== name) : [...events, name])} />
            <code>{name}</code>
          </label>
        ))}
      </fieldset>
      <Button type="submit" className="tool" isDisabled={create.isPending || events.length === 0}>
        {t("webhooks.create")}
      </Button>
      <Outcome action={create} />
      {create.data && (
        <>
          <p role="status">{t("webhooks.once")}</p>
          <code className="secret">{create.data.secret}</code>
        </>
      )}
    </form>
  );
}
