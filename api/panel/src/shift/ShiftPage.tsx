import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useRigState } from "../api/queries";
import { type Period, SPANS, type Span, useDrift, usePChart, usePeriod, useStops, useYield } from "../api/statistics";
import { useFormat } from "../app/format";
import { Header } from "../app/Header";
import { Outcome } from "../app/Outcome";
import { hashOf } from "../app/route";
import "../i18n/more";
import { reasonTitle } from "../i18n/reason";
import "../inspect/verdict.css";
import { DriftCard } from "./DriftCard";
import { ParetoCard } from "./ParetoCard";
import { PChartCard } from "./PChartCard";
import { ShiftOfDay } from "./ShiftOfDay";
import "./shift.css";

/** How the shift goes, readable from three metres. */
export default function ShiftPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [span, setSpan] = useState<Span>("shift");
  const [chosen, setChosen] = useState<Period | null>(null);
  const usualPeriod = usePeriod(span);
  const period = chosen ?? usualPeriod;
  const result = useYield(period);
  const overall = result.data?.overall;
  const isDaily = !chosen && (span === "week" || span === "month");
  const chart = usePChart(period, isDaily ? "day" : "hour").data;
  const rig = useRigState().data;
  // Where the station was not changed over by hand, the recipe that had the most parts is the one meant.
  const usual = result.data && [...result.data.groups].sort((a, b) => b.total - a.total)[0]?.group;
  const drift = useDrift(rig?.recipe ?? usual).data;
  const stops = useStops(period).data?.items;

  const number = (value: number | undefined) => (value === undefined ? "–" : format.whole(value));
  return (
    <div className="page">
      <Header title={t("nav.shift")}>
        <div className="row" role="group" aria-label={t("shift.span")}>
          {SPANS.map((name) => (
            <Button
              key={name}
              className={!chosen && name === span ? "tool chosen" : "tool"}
              aria-pressed={!chosen && name === span}
              onPress={() => {
                setSpan(name);
                setChosen(null);
              }}
            >
              {t(`shift.spans.${name}`)}
            </Button>
          ))}
        </div>
        <ShiftOfDay chosen={chosen} onChoose={setChosen} />
        {period && (
          <p className="since">
            {t(period.to ? "shift.fromTo" : "shift.since")}
            <b>
              {format.date(period.from)} {format.minute(period.from)}
              {period.to && `–${format.minute(period.to)}`}
            </b>
          </p>
        )}
        <a className="tool" href={`/api/v1/reports/shift.pdf?at=${encodeURIComponent(period?.from ?? new Date().toISOString())}`} target="_blank" rel="noreferrer">
          {t("shift.report")}
        </a>
      </Header>
      <main className="sheet two">
        {result.error && <Outcome action={result} />}
        <dl className="card far wide" data-testid="shift-figures">
          <div className="far-yield">
            <dd>{overall?.good_share == null ? "–" : format.percent(overall.good_share)}</dd>
            <dt>{t("counts.yield")}</dt>
          </div>
          <div><dd>{number(overall?.total)}</dd><dt>{t("shift.parts")}</dt></div>
          <div><dd className={overall?.not_ok ? "wrong" : ""}>{number(overall?.not_ok)}</dd><dt>{t("counts.notOk")}</dt></div>
          <div><dd className={overall?.not_decidable ? "doubt" : ""}>{number(overall?.not_decidable)}</dd><dt>{t("counts.notDecidable")}</dt></div>
          <div><dd>{number(overall?.overruled)}</dd><dt>{t("shift.overruled")}</dt></div>
        </dl>
        <PChartCard chart={chart} isDaily={isDaily} />
        <ParetoCard period={period} />
        <DriftCard drift={drift} />
        <section className="card block">
          <h2>{t("shift.stops")}</h2>
          {stops?.length ? (
            <ol className="stops">
              {stops.map((item) => (
                <li key={item.id}>
                  <a href={hashOf("history", item.id)}>
                    <time dateTime={item.created}>{format.moment(item.created)}</time>
                    <b className="doubt">{item.reason ? reasonTitle(item.reason) : t("history.NotDecidable")}</b>
                    <span>{item.serial}</span>
                  </a>
                </li>
              ))}
            </ol>
          ) : (
            <p className="lead">{t("shift.noStops")}</p>
          )}
        </section>
      </main>
    </div>
  );
}
