import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Webhook } from "../api/schema";
import { useChangeWebhook } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { EventsField } from "./EventsField";

/** Another address or purpose, or other events. */
export function EditWebhook({ hook, onDone }: { hook: Webhook; onDone: () => void }) {
  const { t } = useTranslation();
  const change = useChangeWebhook();
  const [url, setUrl] = useState(hook.url);
  const [description, setDescription] = useState(hook.description);
  const [events, setEvents] = useState(hook.events as readonly Webhook["events"][number][]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ webhook_id: hook.id, change: { url, description: description.trim(), events: [...events] } }, { onSuccess: onDone });
  };
  return (
    <form className="user-edit" onSubmit={submit}>
      <label className="field">
        <span>{t("webhooks.url")}</span>
        <input type="url" value={url} required maxLength={2000} autoComplete="off" spellCheck={false} onChange={(event) => setUrl(event.target.value)} />
      </label>
      <label className="field">
        <span>{t("webhooks.description")}</span>
        <input value={description} maxLength={200} onChange={(event) => setDescription(event.target.value)} />
      </label>
      <EventsField events={events} onChange={setEvents} />
      <Button type="submit" className="tool" isDisabled={change.isPending || events.length === 0}>
        {t("webhooks.save")}
      </Button>
      <Outcome action={change} />
    </form>
  );
}
