import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { InspectionSummary, Recipe, RigState } from "../api/schema";
import { useCancel, useTrigger } from "../api/trigger";
import { isClosed } from "./verdict";

interface Situation {
  recipe: Recipe | undefined;
  lot: string;
  rig: RigState | undefined;
  busy: InspectionSummary | null;
  onStarted: () => void;
}

/** Everything between the button and the service: what hinders, the serial of the next part, sending, cancelling. */
export function useInspectNow({ recipe, lot, rig, busy, onStarted }: Situation) {
  const { t } = useTranslation();
  const [serial, setSerial] = useState("");
  const trigger = useTrigger();
  const cancel = useCancel();

  let hindrance: string | null = null;
  if (!recipe) hindrance = t("inspect.noRecipe");
  else if (!recipe.model_id) hindrance = t("inspect.notTaught");
  else if (rig && isClosed(rig)) hindrance = t(`station.${rig.state}`);

  const inspect = () => {
    if (!recipe || hindrance || busy || trigger.isPending) return;
    cancel.reset();
    trigger.mutate(
      { recipe: recipe.name, serial: serial.trim() || null, lot: lot.trim() || null },
      {
        onSuccess: () => {
          setSerial("");
          onStarted();
        },
      },
    );
  };

  return {
    serial,
    setSerial,
    hindrance,
    inspect,
    cancel: cancel.mutate,
    isSending: trigger.isPending,
    isCancelling: busy !== null && cancel.variables === busy.id && !cancel.isError,
    error: trigger.error ?? cancel.error,
    dismiss: () => {
      trigger.reset();
      cancel.reset();
    },
  };
}
