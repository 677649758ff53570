import { useTranslation } from "react-i18next";
import { useCounts } from "../api/queries";
import { useFormat } from "../app/format";
import { useMinute } from "./useMinute";
import { startOfDay } from "./verdict";

/** How the day goes: since midnight on the operator's clock. */
export function Counts() {
  const { t } = useTranslation();
  const format = useFormat();
  const counts = useCounts(startOfDay(useMinute())).data;
  const number = (value: number | undefined) => (value === undefined ? "–" : format.whole(value));
  const cells = [
    { name: "total", value: number(counts?.total) },
    { name: "yield", value: counts?.total ? format.percent(counts.ok / counts.total) : "–" },
    { name: "notOk", value: number(counts?.not_ok) },
    { name: "notDecidable", value: number(counts?.not_decidable) },
  ] as const;
  return (
    <dl className="card counts" aria-label={t("counts.label")}>
      {cells.map(({ name, value }) => (
        <div key={name} data-testid={`count-${name}`}>
          <dd>{value}</dd>
          <dt>{t(`counts.${name}`)}</dt>
        </div>
      ))}
    </dl>
  );
}
