import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { DeliveryState } from "../api/schema";
import { useDeliveries, useResend } from "../api/webhooks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { DeliveryLog } from "./DeliveryLog";

const STATES = ["pending", "delivered", "dead"] as const satisfies readonly DeliveryState[];

/** The messages to one address, and what became of them. */
export function Deliveries({ webhook }: { webhook: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [state, setState] = useState<DeliveryState | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  const deliveries = useDeliveries(webhook, state);
  const resend = useResend(webhook);
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <label className="field recipe">
        <span>{t("webhooks.state")}</span>
        <select value={state ?? ""} onChange={(event) => setState(STATES.find((one) => one === event.target.value) ?? null)}>
          <option value="">{t("search.any")}</option>
          {STATES.map((one) => (
            <option key={one} value={one}>
              {t(`webhooks.states.${one}`)}
            </option>
          ))}
        </select>
      </label>
      <Outcome action={resend.error ? resend : deliveries} />
      {deliveries.data && items.length === 0 && <p>{t("search.none")}</p>}
      {shown && <DeliveryLog key={shown} webhook={webhook} delivery={shown} onClose={() => setShown(null)} />}
      <ListTable label={t("webhooks.deliveries")} heads={[t("webhooks.when"), t("webhooks.event"), t("webhooks.state"), { number: t("webhooks.attempts") }, t("webhooks.due"), ""]}>
        {items.map((item) => (
          <tr key={item.id}>
            <td>{format.date(item.created)} {format.time(item.created)}</td>
            <td><code>{item.event}</code></td>
            <td className={item.state === "dead" ? "wrong" : ""}>{t(`webhooks.states.${item.state}`)}</td>
            <td className="number">{item.attempts}</td>
            <td>{item.due ? format.time(item.due) : "–"}</td>
            <td className="actions">
              <Button className="tool" aria-expanded={shown === item.id} onPress={() => setShown(shown === item.id ? null : item.id)}>
                {t("webhooks.look")}
              </Button>{" "}
              {item.state !== "pending" && (
                <Button className="tool" isDisabled={resend.isPending} onPress={() => resend.mutate(item.id)}>
                  {t("webhooks.resend")}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      {deliveries.hasNextPage && (
        <Button className="tool" isDisabled={deliveries.isFetchingNextPage} onPress={() => void deliveries.fetchNextPage()}>
          {t("search.more")}
        </Button>
      )}
    </>
  );
}
