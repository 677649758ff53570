import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useDelivery } from "../api/webhooks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

/** One message: what it says, and what each try came to. */
export function DeliveryLog({ webhook, delivery, onClose }: { webhook: string; delivery: string; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const one = useDelivery(webhook, delivery);
  return (
    <section className="delivery" aria-label={t("webhooks.message")}>
      <h3>
        {t("webhooks.message")} <code className="code">{delivery}</code>
      </h3>
      <Outcome action={one} />
      {one.data && (
        <>
          <ListTable label={t("webhooks.tries")} heads={[t("webhooks.when"), t("webhooks.answer"), { number: t("webhooks.seconds") }]}>
            {one.data.log.map((attempt) => (
              <tr key={attempt.moment}>
                <td>{format.date(attempt.moment)} {format.time(attempt.moment)}</td>
                <td className={attempt.error ? "wrong" : ""}>{attempt.status} <span lang="en">{attempt.error}</span></td>
                <td className="number">{format.two(attempt.seconds)}</td>
              </tr>
            ))}
          </ListTable>
          <pre tabIndex={0}>{readable(one.data.body)}</pre>
        </>
      )}
      <Button className="tool" onPress={onClose}>
        {t("users.close")}
      </Button>
    </section>
  );
}

/** The body as it is sent has no line breaks. */
function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
