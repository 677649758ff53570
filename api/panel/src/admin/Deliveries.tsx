import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useDeliveries, useResend } from "../api/webhooks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

/** The last messages to one address, and what became of them. */
export function Deliveries({ webhook }: { webhook: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const deliveries = useDeliveries(webhook);
  const resend = useResend(webhook);
  return (
    <>
      <Outcome action={resend.error ? resend : deliveries} />
      <ListTable label={t("webhooks.deliveries")} heads={[t("webhooks.when"), t("webhooks.event"), t("webhooks.state"), { number: t("webhooks.attempts") }, ""]}>
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
      </ListTable>
    </>
  );
}
