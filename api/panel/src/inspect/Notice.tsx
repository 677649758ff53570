import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { ProblemError, Unreachable } from "../api/problem";
import { reasonCure, reasonTitle } from "../i18n/reason";

/** An action that failed: what happened, and what to do about it. */
export function Notice({ error, onDismiss }: { error: Error; onDismiss: () => void }) {
  const { t } = useTranslation();
  const isSilent = error instanceof Unreachable;
  const reason = error instanceof ProblemError || isSilent ? error : { code: "panel", message: error.message, cure: "" };
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{reasonTitle(reason)}.</strong> {!isSilent && error.message} {isSilent ? t("inspect.again") : reasonCure(reason)}
      </p>
      <Button className="tool" onPress={onDismiss}>
        {t("inspect.dismiss")}
      </Button>
    </div>
  );
}
