import { lazy, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { PChart } from "../api/schema";
import { useFormat } from "../app/format";
import type { Line } from "./Plot";
import { Rules } from "./Rules";

const Plot = lazy(() => import("./Plot"));

/** Whether the share of bad parts is what chance makes of it. */
export function PChartCard({ chart, isDaily }: { chart: PChart | undefined; isDaily: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = chart?.points;
  const x = useMemo(() => points?.map(({ group }) => Date.parse(group) / 1000) ?? [], [points]);
  const lines = useMemo<Line[]>(() => {
    if (!points) return [];
    const centre = chart?.centre ?? null;
    return [
      { label: "centre", tone: "edge", look: "dashed", values: points.map(() => centre) },
      { label: "upper", tone: "mute", look: "line", values: points.map(({ upper }) => upper) },
      { label: "share", tone: "act", look: "both", values: points.map(({ share }) => share) },
      { label: "out", tone: "ng", look: "dots", values: points.map(({ share, rules }) => (rules.length ? share : null)) },
    ];
  }, [points, chart?.centre]);
  const rules = points?.flatMap((point) => point.rules) ?? [];
  return (
    <section className="card block">
      <h2>{t("shift.pChart")}</h2>
      {x.length === 0 ? (
        <p className="lead">{t("shift.nothing")}</p>
      ) : (
        <Suspense fallback={<div className="plot" />}>
          <Plot label={t("shift.pChartLabel", { centre: chart?.centre == null ? "–" : format.percent(chart.centre), count: x.length })} x={x} isTime lines={lines} format={format.roundShare} formatX={isDaily ? format.day : format.clock} />
        </Suspense>
      )}
      {x.length > 0 && <Rules rules={rules} calm={t("shift.inControl")} />}
    </section>
  );
}
