import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { anomalyAt, type Cloud, MOST_ANOMALY, nearestToPixel, pointAt, sigmaUm, spacingPx } from "./cloud";
import type { Pictured } from "./layers";
import { ALL_POINTS, useCloud } from "./useCloud";
import type { Point } from "./view";

interface Props {
  detail: Pictured;
  /** A place in the picture, pixels. */
  at: Point;
}

/** Where on the part the cross is, how high it is there, and how unlike good parts. */
export function Reading({ detail, at }: Props) {
  const { t } = useTranslation();
  const cloud = useCloud(detail.id, ALL_POINTS, true);
  return (
    <div className="reading" role="group" aria-label={t("viewer.reading.label")} aria-live="polite" data-testid="reading">
      {cloud.data ? <Values cloud={cloud.data} width={detail.width_px} at={at} /> : <p>{t(cloud.isError ? "viewer.reading.failed" : "viewer.reading.loading")}</p>}
      <p className="how">{t("viewer.reading.how")}</p>
    </div>
  );
}

function Values({ cloud, width, at }: { cloud: Cloud; width: number; at: Point }) {
  const { t } = useTranslation();
  const format = useFormat();
  const index = nearestToPixel(cloud, width, Math.floor(at.x), Math.floor(at.y), Math.ceil(spacingPx(cloud)));
  if (index < 0) return <p>{t("viewer.reading.none")}</p>;
  const { x, y, z } = pointAt(cloud, index);
  const sigma = sigmaUm(cloud, index);
  const score = anomalyAt(cloud, index);
  return (
    <>
      <p>
        <b>{t("viewer.reading.z", { z: format.three(z) })}</b> {sigma !== null && t("viewer.reading.sigma", { sigma: format.one(sigma) })}
      </p>
      <p>{t("viewer.reading.xy", { x: format.three(x), y: format.three(y) })}</p>
      <p>{t(score >= MOST_ANOMALY ? "viewer.reading.scoreMost" : "viewer.reading.score", { score: format.two(score) })}</p>
    </>
  );
}
