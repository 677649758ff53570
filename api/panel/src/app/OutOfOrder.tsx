import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { ProblemError } from "../api/problem";
import { reasonCure, reasonTitle } from "../i18n/reason";
import { ToolButtons } from "./ToolButtons";

const RETRY_MS = 5_000;

interface Props {
  problem: ProblemError;
  onRetry: () => void;
}

/** The service answers, and says that it cannot work: why, what to do, and the code to tell whoever is called. */
export function OutOfOrder({ problem, onRetry }: Props) {
  const { t } = useTranslation();

  useEffect(() => {
    const timer = window.setInterval(onRetry, RETRY_MS);
    return () => window.clearInterval(timer);
  }, [onRetry]);

  return (
    <main className="signed-out">
      <div className="card" role="alert">
        <h1>{t("outOfOrder.title")}</h1>
        <p className="problem">
          <strong>{reasonTitle(problem)}.</strong> <span lang="en">{problem.message}</span>
        </p>
        <p>{reasonCure(problem)}</p>
        <p className="code">{problem.code}</p>
        <ToolButtons />
      </div>
    </main>
  );
}
