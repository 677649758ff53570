import { lazy, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { ScoreDrift } from "../api/schema";
import { useFormat } from "../app/format";
import type { Line } from "./Plot";
import { Rules } from "./Rules";

const Plot = lazy(() => import("./Plot"));
/** The service says that scores drift when a rule fired within so many of the last parts. */
const PRESENT = 20;

/** Whether good parts, the light or the camera change slowly: the smoothed score leaves its limits before verdicts turn. */
export function DriftCard({ drift }: { drift: ScoreDrift | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = drift?.points;
  const x = useMemo(() => points?.map((_point, at) => at + 1) ?? [], [points]);
  const lines = useMemo<Line[]>(
    () =>
      points
        ? [
            { label: "upper", tone: "mute", look: "line", values: points.map(({ upper }) => upper) },
            { label: "lower", tone: "mute", look: "line", values: points.map(({ lower }) => lower) },
            { label: "score", tone: "edge", look: "dots", values: points.map(({ score }) => score) },
            { label: "mean", tone: "act", look: "line", values: points.map(({ ewma }) => ewma) },
            { label: "out", tone: "ng", look: "dots", values: points.map(({ ewma, rules }) => (rules.length ? ewma : null)) },
          ]
        : [],
    [points],
  );
  const rules = points?.slice(-PRESENT).flatMap((point) => point.rules) ?? [];
  return (
    <section className="card block">
      <h2>
        {t("shift.drift")} {drift && <small>{drift.recipe}</small>}
      </h2>
      {x.length === 0 ? (
        <p className="lead">{drift ? t("shift.tooFew", { count: drift.reference }) : t("shift.nothing")}</p>
      ) : (
        <Suspense fallback={<div className="plot" />}>
          <Plot label={t("shift.driftLabel", { count: x.length })} x={x} isTime={false} lines={lines} format={format.two} formatX={format.whole} />
        </Suspense>
      )}
      {x.length > 0 && <Rules rules={drift?.drifts ? rules : []} calm={t("shift.steady")} />}
    </section>
  );
}
