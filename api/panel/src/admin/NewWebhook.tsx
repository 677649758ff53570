import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { WebhookEvent } from "../api/schema";
import { useCreateWebhook } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { EventsField } from "./EventsField";

/** An address to tell. Its secret is shown once. */
export function NewWebhook() {
  const { t } = useTranslation();
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState<readonly WebhookEvent[]>(["inspection.finished"]);
  const [description, setDescription] = useState("");
  const create = useCreateWebhook();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ url, events: [...events], description: description.trim() }, { onSuccess: () => setUrl("") });
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("webhooks.new")}</h2>
      <label className="field">
        <span>{t("webhooks.url")}</span>
        <input type="url" value={url} required maxLength={2000} autoComplete="off" spellCheck={false} onChange={(event) => setUrl(event.target.value)} />
      </label>
      <label className="field">
        <span>{t("webhooks.description")}</span>
        <input value={description} maxLength={200} onChange={(event) => setDescription(event.target.value)} />
      </label>
      <EventsField events={events} onChange={setEvents} />
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
