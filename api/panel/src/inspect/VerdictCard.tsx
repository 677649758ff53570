import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary, Reason, RigState } from "../api/schema";
import { NotDecidableIcon, NotOkIcon, OkIcon, ReadyIcon, RunningIcon, WaitIcon } from "../app/icons";
import { reasonCure } from "../i18n/reason";
import { ReviewBar } from "../app/ReviewBar";
import { BankBars } from "./BankBars";
import { type Attempt, currentKind, type Hindrance, type VerdictKind } from "./verdict";
import { Meta } from "./Meta";
import { Why } from "./Why";

const ICONS: Record<VerdictKind, () => ReactElement> = {
  ok: OkIcon,
  notOk: NotOkIcon,
  notDecidable: NotDecidableIcon,
  running: RunningIcon,
  queued: WaitIcon,
  ready: ReadyIcon,
  notReady: NotDecidableIcon,
  notStarted: NotDecidableIcon,
  unknown: WaitIcon,
};

interface Props {
  latest: InspectionSummary | null;
  /** The whole record of `latest`, as soon as it is finished and read. */
  detail: Inspection | undefined;
  rig: RigState | undefined;
  attempt: Attempt | null;
  hindrance: Hindrance | null;
}

/** The one thing to see from three metres: what became of the part on the rig, why, and what to do with it. */
export function VerdictCard({ latest, detail, rig, attempt, hindrance }: Props) {
  const { t } = useTranslation();
  const kind = currentKind(latest, rig, attempt);
  const Symbol = ICONS[kind];
  const reason: Reason | null = attempt?.state === "failed" ? attempt.reason : latest ? latest.reason : (rig?.reason ?? null);
  // What a person said of the part counts for what becomes of it.
  const said = latest?.reviewed_as === "OK" ? t("do.ok") : latest?.reviewed_as === "NotOK" ? t("do.notOk") : null;
  const usual = kind === "notDecidable" || kind === "notStarted" ? t("do.again") : t(`do.${kind}`);
  const todo = said ?? ((reason && reasonCure(reason)) || (kind === "ready" && hindrance?.todo) || usual);
  return (
    <section className={`verdict verdict-${kind}`} aria-label={t("verdict.label")}>
      <div role="status" aria-live="polite" aria-atomic="true" data-testid="verdict" data-evaluation={latest?.evaluation}>
        <p className="word">
          <Symbol />
          <span>{t(`verdict.${kind}`)}</span>
        </p>
        <Why kind={kind} latest={latest} detail={detail} rig={rig} reason={reason} />
      </div>
      {latest && <Meta item={latest} />}
      {(kind === "ok" || kind === "notOk") && <BankBars banks={detail?.banks ?? []} isAbnormal={kind === "notOk"} />}
      <p className="do">
        <strong>{t("verdict.do")}</strong> {todo}
      </p>
      {latest && (kind === "ok" || kind === "notOk") && <ReviewBar key={latest.id} item={latest} />}
    </section>
  );
}
