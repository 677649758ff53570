import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useModelReport, useTeach } from "../api/recipes";
import type { TaughtPart } from "../api/schema";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { Outcome } from "../app/Outcome";

const FEWEST = 5;
const BANKS = ["rgb", "pseudo3d", "fused"] as const;

/** The parts that a model was taught from: those that do not fit the others first, to look at, throw out, and teach again without. */
export function TaughtParts({ recipe, modelId }: { recipe: string; modelId: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const report = useModelReport(recipe, modelId);
  const teach = useTeach(recipe);
  const { task } = useLastTask("teach");
  const [thrownOut, setThrownOut] = useState<ReadonlySet<number>>(new Set());
  const parts = [...(report.data?.parts ?? [])].sort((a, b) => Number(b.outlier !== null) - Number(a.outlier !== null));
  const suspicious = parts.filter(({ outlier }) => outlier !== null);
  const kept = parts.filter(({ index }) => !thrownOut.has(index)).flatMap(({ inspection }) => inspection ?? []);
  const canTeachAgain = parts.length > 0 && parts.every(({ inspection }) => inspection !== null);
  const toggle = (index: number) => {
    const next = new Set(thrownOut);
    if (!next.delete(index)) next.add(index);
    setThrownOut(next);
  };
  const again = () =>
    teach.mutate({ source: "inspections", inspections: kept, parts: kept.length, activate: true, reviewed_only: false, resume: false, note: t("taught.note", { count: thrownOut.size, model: modelId }) });

  return (
    <section className="card block wide" data-testid="taught">
      <h2>
        {t("taught.title")} <small>{modelId}</small>
      </h2>
      <Outcome action={report} />
      {report.data && (
        <p role="status" className={suspicious.length ? "doubt" : ""}>
          {suspicious.length ? t("taught.suspicious", { count: suspicious.length, of: parts.length }) : t("taught.allAlike", { count: parts.length })}
        </p>
      )}
      <p className="lead">{canTeachAgain ? t("taught.how") : report.data && t("taught.scanned")}</p>
      <ol className="candidates" tabIndex={0} aria-label={t("taught.title")}>
        {parts.map((part) => (
          <li key={part.index}>
            <Part part={part} isThrownOut={thrownOut.has(part.index)} onToggle={canTeachAgain ? () => toggle(part.index) : undefined}>
              <span>{t("taught.score", { score: format.two(part.score) })}</span>
              <span className="by-bank">{BANKS.map((bank) => `${t(`modality.${bank}`)} ${format.two(part.banks[bank] ?? 0)}`).join(" · ")}</span>
              {part.outlier && <b className="doubt">{t("taught.outlier", { bank: t(`modality.${part.outlier.bank as (typeof BANKS)[number]}`), score: format.two(part.outlier.score), limit: format.two(part.outlier.limit) })}</b>}
            </Part>
          </li>
        ))}
      </ol>
      {canTeachAgain && (
        <div className="row">
          {suspicious.length > 0 && (
            <Button className="tool" onPress={() => setThrownOut(new Set(suspicious.map(({ index }) => index)))}>
              {t("taught.throwOutAll", { count: suspicious.length })}
            </Button>
          )}
          <Button className="tool primary" isDisabled={thrownOut.size === 0 || kept.length < FEWEST || teach.isPending || isOpen(task)} onPress={again}>
            {t("taught.again", { count: kept.length })}
          </Button>
        </div>
      )}
      <Outcome action={teach} />
    </section>
  );
}

interface PartProps {
  part: TaughtPart;
  isThrownOut: boolean;
  onToggle: (() => void) | undefined;
  children: React.ReactNode;
}

function Part({ part, isThrownOut, onToggle, children }: PartProps) {
  const { t } = useTranslation();
  const content = (
    <>
      {part.thumbnail_url && <img src={part.thumbnail_url} alt="" width={96} height={64} loading="lazy" />}
      <b>{part.serial ?? (part.inspection ? part.inspection.slice(0, 8) : t("taught.number", { number: part.index + 1 }))}</b>
      {children}
    </>
  );
  if (!onToggle) return <div className="part">{content}</div>;
  return (
    <button type="button" aria-pressed={!isThrownOut} onClick={onToggle}>
      {content}
      <span>{isThrownOut ? t("teach.out") : t("teach.in")}</span>
    </button>
  );
}
