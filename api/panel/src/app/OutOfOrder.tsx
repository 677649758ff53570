import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { ProblemError } from "../api/problem";
import { reasonCure, reasonTitle } from "../i18n/reason";
import { ToolButtons } from "./ToolButtons";

const LOOK_MS = 5_000;
const START_AGAIN = "/api/v1/recovery/retry";

interface Props {
  problem: ProblemError;
  onRetry: () => void;
}

/** The service answers, and says that it cannot work: why, what to do, and the code to tell whoever is called. */
export function OutOfOrder({ problem, onRetry }: Props) {
  const { t } = useTranslation();
  const [isTrying, setIsTrying] = useState(false);

  useEffect(() => {
    const timer = window.setInterval(onRetry, LOOK_MS);
    return () => window.clearInterval(timer);
  }, [onRetry]);

  /** The service in recovery has no other call, and what it answers is what looking again shows. */
  const startAgain = () => {
    setIsTrying(true);
    void fetch(START_AGAIN, { method: "POST" })
      .catch(() => undefined)
      .finally(() => {
        setIsTrying(false);
        onRetry();
      });
  };

  return (
    <main className="signed-out">
      <div className="card" role="alert">
        <h1>{t("outOfOrder.title")}</h1>
        <p className="problem">
          <strong>{reasonTitle(problem)}.</strong> <span lang="en">{problem.message}</span>
        </p>
        <p>{reasonCure(problem)}</p>
        <p className="code">{problem.code}</p>
        <Button className="tool primary" isDisabled={isTrying} onPress={startAgain}>
          {isTrying ? t("outOfOrder.trying") : t("outOfOrder.tryAgain")}
        </Button>
        <ToolButtons />
      </div>
    </main>
  );
}
