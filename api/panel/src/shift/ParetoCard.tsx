import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { type Period, usePareto } from "../api/statistics";
import type { Cause, CauseCount } from "../api/schema";
import { useFormat } from "../app/format";
import { i18next } from "../i18n";
import { reasonTitle } from "../i18n/reason";

const CAUSES: readonly Cause[] = ["modality", "place", "reason"];
const MOST = 6;

/** What makes parts bad, most frequent first. */
export function ParetoCard({ period }: { period: Period | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [cause, setCause] = useState<Cause>("modality");
  const pareto = usePareto(period, cause).data;

  const word = ({ cause: code }: CauseCount): string => {
    if (cause === "reason") return reasonTitle({ code });
    const key = `${cause === "place" ? "place" : "modality"}.${code}`;
    return i18next.exists(key) ? String(i18next.t(key as "place.centre")) : code;
  };
  return (
    <section className="card block">
      <h2>{t("shift.pareto")}</h2>
      <div className="row" role="group" aria-label={t("shift.pareto")}>
        {CAUSES.map((name) => (
          <Button key={name} className={name === cause ? "tool chosen" : "tool"} aria-pressed={name === cause} onPress={() => setCause(name)}>
            {t(`shift.by.${name}`)}
          </Button>
        ))}
      </div>
      {pareto?.causes.length ? (
        <ol className="pareto">
          {pareto.causes.slice(0, MOST).map((bar) => (
            <li key={bar.cause}>
              <span>{word(bar)}</span>
              <span className="track" aria-hidden="true">
                <span className="fill" style={{ width: `${bar.share * 100}%` }} />
              </span>
              <b>{format.whole(bar.inspections)}</b>
              <small>{format.share(bar.cumulative)}</small>
            </li>
          ))}
        </ol>
      ) : (
        <p className="lead">{t("shift.noneBad")}</p>
      )}
    </section>
  );
}
