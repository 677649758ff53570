import { lazy, Suspense, useRef, useState } from "react";
import { useEvents } from "../api/events";
import { useHistory, useInspection, useRecipes, useRigState } from "../api/queries";
import { Banners } from "../app/Banners";
import { Header } from "../app/Header";
import { useStoredText } from "../app/stored";
import { Counts } from "./Counts";
import { History } from "./History";
import "./inspect.css";
import "./verdict.css";
import { Notice } from "./Notice";
import { SerialField } from "./SerialField";
import { StageStrip } from "./StageStrip";
import { Trigger } from "./Trigger";
import { useInspectNow } from "./useInspectNow";
import { useStationKeys } from "./useStationKeys";
import { useMinute } from "./useMinute";
import { isRecent } from "./verdict";
import { VerdictCard } from "./VerdictCard";

const Viewer = lazy(() => import("../viewer/Viewer"));

/** The operator's page: inspect a part, see the verdict, see where. */
export function InspectPage() {
  const events = useEvents();
  const rig = useRigState();
  const recipes = useRecipes().data;
  const history = useHistory().data ?? [];
  const minute = useMinute();

  const [recipeName, setRecipeName] = useStoredText("recipe");
  const [lot, setLot] = useStoredText("lot");
  const [shownId, setShownId] = useState<string | null>(null);

  const newest = history[0] ?? null;
  const latest = newest && isRecent(newest, minute) ? newest : null;
  const recipe = recipes?.find((candidate) => candidate.name === recipeName) ?? recipes?.find((candidate) => candidate.model_id) ?? recipes?.[0];

  const serialRef = useRef<HTMLInputElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const now = useInspectNow({ recipe, lot, rig: rig.data, latest, onPress: () => setShownId(null) });
  const onRig = now.attempt ? null : latest;
  const detail = useInspection(onRig).data;
  const shown = history.find((item) => item.id === shownId) ?? onRig;
  const shownDetail = useInspection(shown).data;
  useStationKeys({ inspect: now.inspect, serial: serialRef });

  return (
    <div className="page">
      <Header
        station={rig.data?.station ?? ""}
        isSimulated={rig.data?.is_simulated ?? false}
        recipes={recipes ?? []}
        recipe={recipe}
        onRecipe={setRecipeName}
        lot={lot}
        onLot={setLot}
      >
        <SerialField inputRef={serialRef} value={now.serial} onChange={now.setSerial} onEnter={() => buttonRef.current?.focus()} />
      </Header>
      <Banners isStale={!events.connected || rig.isError} />
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
