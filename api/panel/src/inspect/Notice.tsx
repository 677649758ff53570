import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Reason } from "../api/schema";
import { reasonCure, reasonTitle } from "../i18n/reason";

/** An action beside the verdict that failed: what happened, and what to do about it. */
export function Notice({ reason, onDismiss }: { reason: Reason; onDismiss: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="notice" role="alert">
      <p>
        <strong>{reasonTitle(reason)}.</strong> <span lang="en">{reason.message}</span> {reasonCure(reason)}
      </p>
      <Button className="tool" onPress={onDismiss}>
        {t("inspect.dismiss")}
      </Button>
    </div>
  );
}
