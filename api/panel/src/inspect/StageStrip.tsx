import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";
import { CheckIcon } from "../app/icons";
import { STAGES } from "../api/stages";

type Progress = "done" | "now" | "next" | "none";

function progressOf(at: number, item: InspectionSummary | null): Progress {
  if (!item) return "none";
  if (item.state === "finished") return item.evaluation === "NotDecidable" ? "none" : "done";
  const now = item.stage ? STAGES.indexOf(item.stage) : -1;
  return at < now ? "done" : at === now ? "now" : "next";
}

/** What the station does to the part: live while it runs, with seconds when it is done. */
export function StageStrip({ latest, detail }: { latest: InspectionSummary | null; detail: Inspection | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const timings = detail?.timings;
  return (
    <ol className="card stages" aria-label={t("stage.label")}>
      {STAGES.map((stage, at) => {
        const seconds = stage === "save" ? undefined : timings?.[stage];
        const progress = timings && stage !== "save" ? "done" : progressOf(at, latest);
        const name = stage === "save" && progress === "done" ? t("stage.saved") : t(`stage.${stage}`);
        return (
          <li key={stage} className={`stage-${progress}`} aria-current={progress === "now" ? "step" : undefined}>
            <b>{name}</b>
            <span>
              {seconds !== undefined ? t("stage.seconds", { seconds: format.one(seconds) }) : progress === "done" ? <CheckIcon /> : progress === "now" ? "…" : "–"}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
