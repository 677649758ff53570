import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary, Reason, RigState } from "../api/schema";
import { useFormat } from "../app/format";
import { reasonTitle } from "../i18n/reason";
import { STAGES } from "../api/stages";
import type { VerdictKind } from "./verdict";
import { placeOf } from "./words";

interface Props {
  kind: VerdictKind;
  latest: InspectionSummary | null;
  detail: Inspection | undefined;
  rig: RigState | undefined;
  reason: Reason | null;
}

/** Why the verdict is what it is, in words. */
export function Why({ kind, latest, detail, rig, reason }: Props) {
  const { t } = useTranslation();
  const stage = latest?.stage ?? "capture";
  if (reason) {
    return (
      <p className="why">
        {reasonTitle(reason)}
        {reason.message.replace(/\.$/, "") !== reasonTitle(reason) && <small lang="en">{reason.message}</small>}
        <small className="code">{reason.code}</small>
      </p>
    );
  }
  switch (kind) {
    case "ok":
      return <p className="why">{t("verdict.like")}</p>;
    case "notOk":
      return detail ? <WhyNotOk detail={detail} /> : <p className="why">&nbsp;</p>;
    case "running":
      return <p className="why">{t("stage.step", { step: STAGES.indexOf(stage) + 1, steps: STAGES.length, stage: t(`stage.${stage}`) })}</p>;
    case "queued":
      return <p className="why">{latest ? t("verdict.waitingFor") : t("inspect.sendingHint")}</p>;
    case "notReady":
      return <p className="why">{rig && t(`station.${rig.state}`)}</p>;
    case "ready":
      return rig && <WhyReady rig={rig} />;
    default:
      return <p className="why">{t("verdict.unreached")}</p>;
  }
}

function WhyReady({ rig }: { rig: RigState }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <p className="why">
      {t("verdict.free")}
      <small>{t("verdict.rig", { rig: rig.rig, date: format.date(rig.calibrated) })}</small>
    </p>
  );
}

function WhyNotOk({ detail }: { detail: Inspection }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [strongest, ...others] = detail.regions;
  if (!strongest) return <p className="why">{t("verdict.noRegion")}</p>;
  return (
    <p className="why">
      {t("verdict.region", {
        what: t(`modality.${strongest.modality}`),
        area: format.two(strongest.area_mm2),
        where: t(`place.${placeOf(strongest, detail)}`),
      })}
      {others.length > 0 && <small>{t("verdict.moreRegions", { count: others.length })}</small>}
    </p>
  );
}
