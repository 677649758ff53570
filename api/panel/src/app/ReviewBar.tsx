import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useReview } from "../api/review";
import type { InspectionSummary } from "../api/schema";
import { CheckIcon } from "./icons";
import { Outcome } from "./Outcome";
import "./review.css";

const REASONS = {
  OK: ["review.dirt", "review.reflection", "review.allowed", "review.position", "review.good"],
  NotOK: ["review.scratch", "review.dent", "review.missing", "review.wrongPart", "review.bad"],
} as const;

type Said = keyof typeof REASONS;

/** Two touches: what the part is, and why. A confirmed verdict needs no why. */
export function ReviewBar({ item }: { item: InspectionSummary }) {
  const { t } = useTranslation();
  const [said, setSaid] = useState<Said | null>(null);
  const review = useReview(item.id);
  const isVerdict = item.evaluation === "OK" || item.evaluation === "NotOK";
  const others: readonly Said[] = isVerdict ? [item.evaluation === "OK" ? "NotOK" : "OK"] : ["OK", "NotOK"];

  const send = (evaluation: Said, reason: string | null) => review.mutate({ evaluation, reason }, { onSuccess: () => setSaid(null) });

  if (said) {
    return (
      <div className="review-reasons" role="group" aria-label={t("review.why", { verdict: t(`history.${said}`) })}>
        <p>{t("review.why", { verdict: t(`history.${said}`) })}</p>
        {REASONS[said].map((name) => (
          <Button key={name} className="tool" isDisabled={review.isPending} onPress={() => send(said, t(name))}>
            {t(name)}
          </Button>
        ))}
        <Button className="tool back" onPress={() => setSaid(null)}>
          {t("review.back")}
        </Button>
        <Outcome action={review} />
      </div>
    );
  }
  return (
    <div className="review">
      {item.reviewed_as && (
        <p className="reviewed" data-testid="reviewed">
          <CheckIcon />
          {item.reviewed_as === item.evaluation ? t("review.confirmed") : t("review.overruled", { verdict: t(`history.${item.reviewed_as}`) })}
        </p>
      )}
      <div className="review-buttons">
        {isVerdict && item.reviewed_as !== item.evaluation && (
          <Button className="tool" isDisabled={review.isPending} onPress={() => send(item.evaluation as Said, null)}>
            <CheckIcon />
            {t("review.confirm")}
          </Button>
        )}
        {others
          .filter((other) => other !== item.reviewed_as)
          .map((other) => (
            <Button key={other} className="tool" isDisabled={review.isPending} onPress={() => setSaid(other)}>
              {t("review.overrule", { verdict: t(`history.${other}`) })}
            </Button>
          ))}
      </div>
      <Outcome action={review} />
    </div>
  );
}
