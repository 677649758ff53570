import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCreateWebhook } from "../api/webhooks";
import { Outcome } from "../app/Outcome";
import { WebhookFields, webhookBody, type WebhookWords } from "./WebhookFields";

/** An address to tell. Its secret is shown once. */
export function NewWebhook() {
  const { t } = useTranslation();
  const [words, setWords] = useState<WebhookWords>({ url: "", description: "", events: ["inspection.finished"] });
  const create = useCreateWebhook();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(webhookBody(words), { onSuccess: () => setWords({ ...words, url: "" }) });
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("webhooks.new")}</h2>
      <WebhookFields words={words} onChange={setWords} />
      <Button type="submit" className="tool" isDisabled={create.isPending || words.events.length === 0}>
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
