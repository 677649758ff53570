import { useTranslation } from "react-i18next";
import type { InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";

/** Which part, when, and by how much. */
export function Meta({ item }: { item: InspectionSummary }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <p className="meta">
      <span>{item.serial ? t("verdict.serial", { serial: item.serial }) : t("verdict.noSerial")}</span>
      <time dateTime={item.created}>{format.time(item.created)}</time>
      {item.score !== null && item.threshold !== null && (
        <span>{t("verdict.score", { score: format.two(item.score), limit: format.two(item.threshold) })}</span>
      )}
    </p>
  );
}
