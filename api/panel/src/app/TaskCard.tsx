import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Task } from "../api/schema";
import { isOpen, useContinue, useGiveUp, useTask } from "../api/tasks";
import { progressText } from "../i18n/progress";
import { reasonCure, reasonTitle } from "../i18n/reason";
import { useFormat } from "./format";
import { Outcome } from "./Outcome";

/** Long work: how far it is, what it waits for, how it ended. */
export function TaskCard({ task }: { task: Task }) {
  const { t } = useTranslation();
  const format = useFormat();
  const result = useTask(task).data?.result;
  const go = useContinue();
  const giveUp = useGiveUp();
  const progress = progressText(task.message);
  const share = Math.min(Math.max(task.share, 0), 1);
  return (
    <section className="card block wide" aria-label={t(`task.kind.${task.kind}`)} data-testid="task" data-state={task.state}>
      <h2>
        {t(`task.kind.${task.kind}`)} <small>{t(`task.state.${task.state}`)}</small>
      </h2>
      {isOpen(task) && (
        <div className="progress" role="progressbar" aria-label={t(`task.kind.${task.kind}`)} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
          <span style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {isOpen(task) && (
        <p aria-live="polite">
          <b>{format.share(share)}</b> <span lang={progress.lang}>{progress.text}</span>
        </p>
      )}
      {task.reason && task.state !== "cancelled" && (
        <p className="problem">
          <strong>{reasonTitle(task.reason)}.</strong> <span lang="en">{task.reason.message}</span> {reasonCure(task.reason)} <code>{task.reason.code}</code>
        </p>
      )}
      {result?.model_id && <p>{t("task.model", { model: result.model_id, threshold: result.threshold == null ? "–" : format.two(result.threshold) })}</p>}
      {result?.drift && <p className={result.drift.holds ? "" : "wrong"}>{result.drift.holds ? t("task.holds") : t("task.drifted", { projectors: result.drift.drifted.join(", ") })}</p>}
      {result?.capture && <p>{t("task.captured", { name: result.capture.name, count: result.capture.frames })}</p>}
      {result?.backup && <p>{t("task.backedUp", { name: result.backup })}</p>}
      {result?.removed != null && <p>{t("task.removed", { count: result.removed })}</p>}
      {isOpen(task) && (
        <div className="row">
          {task.state === "waiting" && (
            <Button className="tool primary" isDisabled={go.isPending} onPress={() => go.mutate(task.id)}>
              {t("task.continue")}
            </Button>
          )}
          <Button className="tool" isDisabled={giveUp.isPending} onPress={() => giveUp.mutate(task.id)}>
            {t("task.cancel")}
          </Button>
        </div>
      )}
      <Outcome action={giveUp.error ? giveUp : go} />
    </section>
  );
}
