import { useTranslation } from "react-i18next";
import type { WebhookEvent } from "../api/schema";

const EVENTS: readonly WebhookEvent[] = ["inspection.finished", "inspection.reviewed", "station.error", "station.recovered"];

export interface WebhookWords {
  url: string;
  description: string;
  events: readonly WebhookEvent[];
}

/** Where messages go, what for, and which. */
export function WebhookFields({ words, onChange }: { words: WebhookWords; onChange: (words: WebhookWords) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <label className="field">
        <span>{t("webhooks.url")}</span>
        <input type="url" value={words.url} required maxLength={2000} autoComplete="off" spellCheck={false} onChange={(event) => onChange({ ...words, url: event.target.value })} />
      </label>
      <label className="field">
        <span>{t("webhooks.description")}</span>
        <input value={words.description} maxLength={200} onChange={(event) => onChange({ ...words, description: event.target.value })} />
      </label>
      <EventsField events={words.events} onChange={(events) => onChange({ ...words, events })} />
    </>
  );
}

/** As the service takes them. */
export function webhookBody({ url, description, events }: WebhookWords) {
  return { url, description: description.trim(), events: [...events] };
}

/** What an address is told of. */
function EventsField({ events, onChange }: { events: readonly WebhookEvent[]; onChange: (events: readonly WebhookEvent[]) => void }) {
  const { t } = useTranslation();
  return (
    <fieldset className="row plain">
      <legend>{t("webhooks.events")}</legend>
      {EVENTS.map((name) => (
        <label key={name} className="check">
          <input type="checkbox" checked={events.includes(name)} onChange={() => onChange(events.includes(name) ? events.filter((one) => one !== name) : [...events, name])} />
          <code>{name}</code>
        </label>
      ))}
    </fieldset>
  );
}
