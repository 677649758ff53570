import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";
import { ReviewBar } from "../app/ReviewBar";
import { reasonCure, reasonTitle } from "../i18n/reason";
import { BankBars } from "../inspect/BankBars";
import { Meta } from "../inspect/Meta";
import "../inspect/verdict.css";

const TONE = { OK: "", NotOK: "wrong", NotDecidable: "doubt", Undefined: "" } as const;

/** All that is known of one part, and what people said of it. */
export function Facts({ item, detail }: { item: InspectionSummary; detail: Inspection | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const provenance = detail?.provenance;
  const known: [string, string | null | undefined][] = [
    [t("facts.day"), format.date(item.created)],
    [t("app.recipe"), item.recipe],
    [t("app.lot"), item.lot],
    [t("facts.order"), item.order],
    [t("facts.operator"), item.operator],
    [t("facts.station"), item.station],
    [t("facts.model"), provenance?.model_id],
    [t("facts.calibration"), provenance?.calibration_id],
    [t("facts.seconds"), detail?.timings && t("stage.seconds", { seconds: format.one(detail.timings.total) })],
  ];
  return (
    <section className="card facts" aria-label={t("facts.label")}>
      <h2 className={TONE[item.evaluation]} data-testid="found-verdict">
        {t(`history.${item.evaluation}`)}
      </h2>
      <Meta item={item} />
      {item.reason && (
        <p>
          <b>{reasonTitle(item.reason)}.</b> <span lang="en">{item.reason.message}</span> {reasonCure(item.reason)} <code className="code">{item.reason.code}</code>
        </p>
      )}
      {detail && detail.banks.length > 0 && <BankBars banks={detail.banks} isAbnormal={item.evaluation === "NotOK"} />}
      {item.state === "finished" && <ReviewBar key={item.id} item={item} />}
      <dl className="pairs">
        {known.map(([name, value]) => value && <Pair key={name} name={name} value={value} />)}
      </dl>
      {detail?.reviews?.map((review) => (
        <p key={review.at} className="said">
          <b>{t(`history.${review.evaluation}`)}</b> {review.reason}
          <small>
            {review.by}, {format.date(review.at)} {format.time(review.at)}
          </small>
        </p>
      ))}
      {detail && (
        <p className="row">
          <a className="tool" href={`/api/v1/inspections/${item.id}/report.pdf`} target="_blank" rel="noreferrer">
            {t("facts.report")}
          </a>
        </p>
      )}
    </section>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
