import type { RefObject } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { InspectionSummary } from "../api/schema";

interface Props {
  buttonRef: RefObject<HTMLButtonElement | null>;
  /** Serial of the next part, as far as it is known. */
  serial: string;
  /** The inspection that runs or waits; none when the station is free. */
  busy: InspectionSummary | null;
  isSending: boolean;
  isCancelling: boolean;
  /** Why nothing can be started now, in words. */
  hindrance: string | null;
  onInspect: () => void;
  onCancel: (id: string) => void;
}

/** The one button. While a part is being looked at it is disabled and says so, and a smaller one beside it cancels. */
export function Trigger({ buttonRef, serial, busy, isSending, isCancelling, hindrance, onInspect, onCancel }: Props) {
  const { t } = useTranslation();
  const hint = busy ? t("inspect.running") : isSending ? t("inspect.sendingHint") : (hindrance ?? (serial ? t("verdict.serial", { serial }) : t("inspect.hint")));
  return (
    <div className="trigger">
      <Button ref={buttonRef} className="go" onPress={onInspect} isDisabled={busy !== null || isSending || hindrance !== null}>
        {t("inspect.button")}
        <small>{hint}</small>
      </Button>
      {busy && (
        <Button className="cancel" onPress={() => onCancel(busy.id)} isDisabled={isCancelling}>
          {isCancelling ? t("inspect.cancelling") : t("inspect.cancel")}
        </Button>
      )}
    </div>
  );
}
