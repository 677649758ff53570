import { useDeferredValue, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { usePreview, useSetThreshold } from "../api/recipes";
import type { RecipeDetails } from "../api/schema";
import { useFormat } from "../app/format";
import { MinusIcon, PlusIcon } from "../app/icons";
import { Outcome } from "../app/Outcome";
import { hashOf } from "../app/route";
import { Histogram } from "./Histogram";

const LAST = [100, 500, 2000] as const;
const STEPS = 100;
const SHOWN = 8;

/** Where the limit lies among the scores, and what another one would have changed. */
export function ThresholdCard({ recipe, present }: { recipe: RecipeDetails; present: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [tried, setTried] = useState(present);
  const [last, setLast] = useState<number>(LAST[1]);
  const [note, setNote] = useState("");
  const preview = usePreview(recipe.name, useDeferredValue(tried), last);
  const set = useSetThreshold(recipe.name);

  const bins = preview.data?.histogram ?? [];
  const proposed = preview.data?.proposed;
  const highest = Math.max(present * 3, ...bins.map(({ high }) => high));
  const step = highest / STEPS;
  const move = (value: number) => setTried(Math.min(Math.max(value, step), highest));
  const isOther = Math.abs(tried - present) > step / 10;
  const mayWrite = note.trim() !== "" && !set.isPending;
  const write = (threshold: number | null) => set.mutate({ threshold, note: note.trim(), expected_version: recipe.version });

  return (
    <section className="card block" data-testid="threshold">
      <h2>{t("threshold.title")}</h2>
      <Histogram bins={bins} highest={highest} present={present} tried={tried} />
      <div className="threshold-slider">
        <Button className="tool" aria-label={t("threshold.lower")} onPress={() => move(tried - step)}>
          <MinusIcon />
        </Button>
        <input type="range" aria-label={t("threshold.slider")} min={step} max={highest} step={step} value={tried} onChange={(event) => move(event.target.valueAsNumber)} />
        <Button className="tool" aria-label={t("threshold.higher")} onPress={() => move(tried + step)}>
          <PlusIcon />
        </Button>
        <output>{format.two(tried)}</output>
      </div>
      {preview.data && (
        <>
          <p aria-live="polite">{t("threshold.would", { inspections: preview.data.inspections, notOk: preview.data.becomes_not_ok, ok: preview.data.becomes_ok })}</p>
          <p className={preview.data.missed ? "wrong" : "lead"}>{t("threshold.reviewed", { missed: preview.data.missed, alarms: preview.data.false_alarms })}</p>
          {proposed != null && (
            <Button className="tool" onPress={() => move(proposed)}>
              {t("threshold.proposed", { threshold: format.two(proposed) })}
            </Button>
          )}
          {preview.data.examples.length > 0 && (
            <p className="row">
              {preview.data.examples.slice(0, SHOWN).map((id, at) => (
                <a key={id} className="tool" href={hashOf("history", id)}>
                  {t("threshold.example", { number: at + 1 })}
                </a>
              ))}
            </p>
          )}
        </>
      )}
      <div className="row">
        <label className="field">
          <span>{t("threshold.last")}</span>
          <select value={last} onChange={(event) => setLast(Number(event.target.value))}>
            {LAST.map((count) => (
              <option key={count}>{count}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("teach.note")}</span>
          <input value={note} maxLength={400} onChange={(event) => setNote(event.target.value)} />
        </label>
        <Button className="tool primary" isDisabled={!mayWrite || !isOther} onPress={() => write(tried)}>
          {t("threshold.set", { threshold: format.two(tried) })}
        </Button>
        {recipe.threshold != null && (
          <Button className="tool" isDisabled={!mayWrite} onPress={() => write(null)}>
            {t("threshold.own")}
          </Button>
        )}
      </div>
      <Outcome action={set.error ? set : preview} />
    </section>
  );
}
