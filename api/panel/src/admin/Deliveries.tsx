import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useDeliveries, useResend } from "../api/webhooks";
import { useFormat } from "../app/format";
import { Outcome } from "../app/Outcome";

/** The last messages to one address, and what became of them. */
export function Deliveries({ webhook }: { webhook: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const deliveries = useDeliveries(webhook);
  const resend = useResend(webhook);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={t("webhooks.deliveries")}>
      <Outcome action={resend.error ? resend : deliveries} />
      <table className="table">
        <thead>
          <tr>
            <th>{t("webhooks.when")}</th>
            <th>{t("webhooks.event")}</th>
            <th>{t("webhooks.state")}</th>
            <th className="number">{t("webhooks.attempts")}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {deliveries.data?.items.map((item) => (
            <tr key={item.id}>
              <td>{format.date(item.created)} {format.time(item.created)}</td>
              <td><code>{item.event}</code></td>
              <td className={item.state === "dead" ? "wrong" : ""}>{t(`webhooks.states.${item.state}`)}</td>
              <td className="number">{item.attempts}</td>
              <td className="actions">
                {item.state !== "pending" && (
                  <Button className="tool" isDisabled={resend.isPending} onPress={() => resend.mutate(item.id)}>
                    {t("webhooks.resend")}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
