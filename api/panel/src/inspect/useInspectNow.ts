import { useState } from "react";
import { useTranslation } from "react-i18next";
import { reasonOf } from "../api/problem";
import type { InspectionSummary, Recipe, RigState } from "../api/schema";
import { useCancel, useTrigger } from "../api/trigger";
import { type Attempt, type Hindrance, isClosed } from "./verdict";

interface Situation {
  recipe: Recipe | undefined;
  lot: string;
  rig: RigState | undefined;
  latest: InspectionSummary | null;
  onPress: () => void;
}

/** Everything between the button and the service: what hinders, the serial of the next part, sending, cancelling. */
export function useInspectNow({ recipe, lot, rig, latest, onPress }: Situation) {
  const { t } = useTranslation();
  const [serial, setSerial] = useState("");
  const [before, setBefore] = useState<string | null>(null);
  const trigger = useTrigger();
  const cancel = useCancel();
  const busy = latest && latest.state !== "finished" ? latest : null;

  let hindrance: Hindrance | null = null;
  if (rig && isClosed(rig)) hindrance = { why: t(`station.${rig.state}`), todo: t("do.notReady") };
  else if (!recipe) hindrance = { why: t("inspect.noRecipe"), todo: t("do.noRecipe") };
  else if (!recipe.model_id) hindrance = { why: t("inspect.notTaught"), todo: t("do.notTaught") };

  // Once a newer inspection is there, whoever asked for it, the attempt is over.
  const latestId = latest?.id ?? null;
  let attempt: Attempt | null = null;
  if (latestId === before || trigger.isPending) {
    if (trigger.isPending) attempt = busy ? null : { state: "sending" };
    else if (trigger.error) attempt = { state: "failed", reason: reasonOf(trigger.error, t("inspect.again")) };
  }

  const inspect = () => {
    if (!recipe || hindrance || busy || trigger.isPending) return;
    cancel.reset();
    setBefore(latestId);
    onPress();
    const body = { recipe: recipe.name, serial: serial.trim() || null, lot: lot.trim() || null };
    trigger.mutate({ body, seen: latestId }, { onSuccess: () => setSerial("") });
  };

  return {
    serial,
    setSerial,
    hindrance,
    attempt,
    busy,
    inspect,
    cancel: cancel.mutate,
    isCancelling: busy !== null && cancel.variables === busy.id && !cancel.isError,
    cancelProblem: cancel.error && reasonOf(cancel.error, ""),
    dismiss: cancel.reset,
  };
}
