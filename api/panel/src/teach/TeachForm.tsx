import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCandidates, useTeach } from "../api/recipes";
import type { Task } from "../api/schema";
import { isOpen } from "../api/tasks";
import { Outcome } from "../app/Outcome";
import { Candidates } from "./Candidates";

const FEWEST = 5;
const MOST = 200;

/** Good parts: of those inspected, without those thrown out; or scanned now, after those that stopped teaching has scanned. */
export function TeachForm({ recipe, scanned, task }: { recipe: string; scanned: number; task: Task | undefined }) {
  const { t } = useTranslation();
  const [source, setSource] = useState<"inspections" | "rig">("rig");
  const [parts, setParts] = useState(24);
  const [thrownOut, setThrownOut] = useState<ReadonlySet<string>>(new Set());
  const [note, setNote] = useState("");
  const [activate, setActivate] = useState(true);
  const [resume, setResume] = useState(true);
  const candidates = useCandidates(recipe, parts).data ?? [];
  const teach = useTeach(recipe);

  const kept = candidates.filter(({ id }) => !thrownOut.has(id)).map(({ id }) => id);
  const isReady = note.trim() !== "" && parts >= FEWEST && !isOpen(task) && !teach.isPending && (source === "rig" || kept.length >= FEWEST);
  const start = () => teach.mutate({ source, parts, activate, note: note.trim(), inspections: source === "rig" ? null : kept, reviewed_only: false, resume: resume && scanned > 0 });
  const toggle = (id: string) => {
    const next = new Set(thrownOut);
    if (!next.delete(id)) next.add(id);
    setThrownOut(next);
  };

  return (
    <section className="card block">
      <h2>{t("teach.title")}</h2>
      <div className="row" role="group" aria-label={t("teach.source")}>
        {(["rig", "inspections"] as const).map((name) => (
          <Button key={name} className={name === source ? "tool chosen" : "tool"} aria-pressed={name === source} onPress={() => setSource(name)}>
            {t(`teach.from.${name}`)}
          </Button>
        ))}
      </div>
      <p className="lead">{t(`teach.how.${source}`)}</p>
      <div className="row">
        <label className="field">
          <span>{t("teach.parts")}</span>
          <input type="number" min={FEWEST} max={MOST} value={parts} onChange={(event) => setParts(Math.min(Math.max(event.target.valueAsNumber || 0, 0), MOST))} />
        </label>
        <label className="field">
          <span>{t("teach.note")}</span>
          <input value={note} maxLength={400} onChange={(event) => setNote(event.target.value)} />
        </label>
        <label className="check">
          <input type="checkbox" checked={activate} onChange={(event) => setActivate(event.target.checked)} />
          <span>{t("teach.activateAfter")}</span>
        </label>
      </div>
      {source === "rig" && scanned > 0 && (
        <label className="check">
          <input type="checkbox" checked={resume} onChange={(event) => setResume(event.target.checked)} />
          <span>{t("teach.resume", { count: scanned })}</span>
        </label>
      )}
      {source === "inspections" && <Candidates items={candidates} thrownOut={thrownOut} onToggle={toggle} />}
      <Button className="tool primary" isDisabled={!isReady} onPress={start}>
        {source === "rig" ? t("teach.start") : t("teach.startFrom", { count: kept.length })}
      </Button>
      <Outcome action={teach} />
    </section>
  );
}
