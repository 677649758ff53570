import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChangeOver } from "../api/changeOver";
import { useHistory, useInspection, useRecipes, useRigState } from "../api/queries";
import { Header } from "../app/Header";
import { Outcome } from "../app/Outcome";
import { useStoredText } from "../app/stored";
import { Counts } from "./Counts";
import { History } from "./History";
import "./inspect.css";
import "./verdict.css";
import { LotField } from "./LotField";
import { Notice } from "./Notice";
import { SerialField } from "./SerialField";
import { StageStrip } from "./StageStrip";
import { Trigger } from "./Trigger";
import { useInspectNow } from "./useInspectNow";
import { useStationKeys } from "./useStationKeys";
import { useMinute } from "./useMinute";
import { isRecent } from "./verdict";
import { VerdictCard } from "./VerdictCard";

// The list of choices is heavy; the page need not wait for it.
const RecipeSelect = lazy(() => import("./RecipeSelect"));
const Viewer = lazy(() => import("../viewer/Viewer"));

/** The operator's page: inspect a part, see the verdict, see where. */
export default function InspectPage() {
  const { t } = useTranslation();
  const rig = useRigState();
  const recipes = useRecipes().data;
  const history = useHistory().data ?? [];
  const minute = useMinute();

  const [lot, setLot] = useStoredText("lot");
  const [shownId, setShownId] = useState<string | null>(null);

  const newest = history[0] ?? null;
  const latest = newest && isRecent(newest, minute) ? newest : null;
  const recipe = recipes?.find((candidate) => candidate.name === rig.data?.recipe) ?? recipes?.find((candidate) => candidate.model_id) ?? recipes?.[0];

  const changeOver = useChangeOver();

  const serialRef = useRef<HTMLInputElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const now = useInspectNow({ recipe, lot, rig: rig.data, latest, onPress: () => setShownId(null) });
  const onRig = now.attempt ? null : latest;
  const detail = useInspection(onRig).data;
  const shown = history.find((item) => item.id === shownId) ?? onRig;
  const shownDetail = useInspection(shown).data;
  useStationKeys({ inspect: now.inspect, serial: serialRef, onScan: now.setSerial });

  return (
    <div className="page">
      <Header>
        <Suspense fallback={<div className="field recipe" />}>
          {/* Another product is another lot: the old one must not be written to its parts. */}
          <RecipeSelect
            recipes={recipes ?? []}
            recipe={recipe}
            isChanging={changeOver.isPending}
            onChange={(name) => changeOver.mutate(name, { onSuccess: () => setLot("") })}
          />
        </Suspense>
        <LotField value={lot} onChange={setLot} />
        <SerialField inputRef={serialRef} value={now.serial} onChange={now.setSerial} onEnter={() => buttonRef.current?.focus()} />
        <p className="armed-for">
          {t("app.armed")}
          <b>{rig.data?.armed_for?.map((what) => t(`app.armedFor.${what}`)).join(" + ") ?? "–"}</b>
        </p>
      </Header>
      {changeOver.error && <Outcome action={changeOver} />}
      <main className="inspect">
        <div className="left">
          <VerdictCard latest={onRig} detail={detail} rig={rig.data} attempt={now.attempt} hindrance={now.hindrance} />
          <StageStrip latest={onRig} detail={detail} />
          {now.cancelProblem && <Notice reason={now.cancelProblem} onDismiss={now.dismiss} />}
          <Trigger
            buttonRef={buttonRef}
            serial={now.serial}
            busy={now.busy}
            isSending={now.attempt?.state === "sending"}
            isCancelling={now.isCancelling}
            hindrance={now.hindrance?.why ?? null}
            onInspect={now.inspect}
            onCancel={now.cancel}
          />
        </div>
        <Suspense fallback={<section className="card viewer" />}>
          <Viewer item={shown} detail={shownDetail} attempt={now.attempt} isOld={shown !== onRig} onBack={() => setShownId(null)} />
        </Suspense>
        <div className="right">
          <Counts />
          <History items={history} shownId={shown?.id ?? null} onShow={(id) => setShownId(id === onRig?.id ? null : id)} />
        </div>
      </main>
    </div>
  );
}
