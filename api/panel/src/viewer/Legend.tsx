import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { heightRange } from "./cloud";
import { TURBO_GRADIENT } from "./turbo";
import { FEW_POINTS, useCloud } from "./useCloud";

/** Which colour of the depth picture is which height. The picture's ends are those of its points, of which some are asked. */
export function Legend({ inspectionId }: { inspectionId: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const cloud = useCloud(inspectionId, FEW_POINTS, true).data;
  const range = useMemo(() => (cloud && cloud.count > 0 ? heightRange(cloud) : null), [cloud]);
  if (!range) return null;
  const [low, high] = range.map((z) => format.two(z));
  return (
    <div className="legend" role="img" aria-label={t("viewer.legend", { low, high })} data-testid="legend">
      <span aria-hidden="true">{low}</span>
      <span className="ramp" style={{ background: TURBO_GRADIENT }} />
      <span aria-hidden="true">{t("viewer.mm", { length: high })}</span>
    </div>
  );
}
