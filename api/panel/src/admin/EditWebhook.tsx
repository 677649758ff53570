import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Webhook } from "../api/schema";
import { useChangeWebhook } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { WebhookFields, webhookBody, type WebhookWords } from "./WebhookFields";

/** Another address or purpose, or other events. */
export function EditWebhook({ hook, onDone }: { hook: Webhook; onDone: () => void }) {
  const { t } = useTranslation();
  const change = useChangeWebhook();
  const [words, setWords] = useState<WebhookWords>(hook);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ webhook_id: hook.id, change: webhookBody(words) }, { onSuccess: onDone });
  };
  return (
    <form className="user-edit" onSubmit={submit}>
      <WebhookFields words={words} onChange={setWords} />
      <Button type="submit" className="tool" isDisabled={change.isPending || words.events.length === 0}>
        {t("webhooks.save")}
      </Button>
      <Outcome action={change} />
    </form>
  );
}
