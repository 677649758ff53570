import { useTranslation } from "react-i18next";
import type { WebhookEvent } from "../api/schema";

const EVENTS: readonly WebhookEvent[] = ["inspection.finished", "inspection.reviewed", "station.error", "station.recovered"];

/** What an address is told of. */
export function EventsField({ events, onChange }: { events: readonly WebhookEvent[]; onChange: (events: readonly WebhookEvent[]) => void }) {
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
