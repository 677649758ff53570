import { lazy, Suspense, useLayoutEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Tab as TabButton, TabList, TabPanel, Tabs } from "react-aria-components/Tabs";
import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";
import { BackIcon } from "../app/icons";
import type { Attempt } from "../inspect/verdict";
import { type Base, hasCloud, isPictured, type Tab, tabsOf, urlOf } from "./layers";
import { MAP_FROM } from "./MapLimitFilter";
import { type MapLook, Picture } from "./Picture";
import "./viewer.css";

// three.js is nearly as large as all the rest of the panel, and most parts are never turned around.
const CloudView = lazy(() => import("./CloudView"));

interface Props {
  item: InspectionSummary | null;
  detail: Inspection | undefined;
  attempt: Attempt | null;
  /** Whether this is not the part on the rig. */
  isOld: boolean;
  onBack: () => void;
}

/** Pictures of one part: its modalities, the anomaly map over the one last chosen, and its cloud. */
export default function Viewer({ item, detail, attempt, isOld, onBack }: Props) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<Tab>("anomaly");
  const [base, setBase] = useState<Base>("rgb");
  // The map starts hidden where a bare picture was asked for, and shown where the map was.
  const [overBase, setOverBase] = useState<MapLook>({ opacity: 0, from: MAP_FROM });
  const [overMap, setOverMap] = useState<MapLook>({ opacity: 0.85, from: MAP_FROM });

  const [isComparing, setComparing] = useState(false);

  const choose = (next: Tab) => {
    setTab(next);
    if (next !== "anomaly" && next !== "cloud") setBase(next);
  };
  const artifacts = detail?.artifacts ?? [];
  const tabs = tabsOf(artifacts);
  // The height chosen for one part may not have been kept of the next.
  const shownTab = tabs.includes(tab) ? tab : "depth";
  const shownBase = urlOf(base, artifacts) ? base : "rgb";
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // One panel serves all tabs, so that zoom and cross stay; React Aria leaves it the name of the first, and readers would not find it.
    const chosen = panel.current?.parentElement?.querySelector("[role=tab][aria-selected=true]")?.getAttribute("aria-controls");
    if (panel.current && chosen) panel.current.id = chosen;
  });
  const isThere = (name: Tab) => (name === "cloud" ? hasCloud(artifacts) : urlOf(name, artifacts) !== undefined);

  return (
    <section className="card viewer" aria-label={t("viewer.label")}>
      <Tabs className="tabs" selectedKey={shownTab} onSelectionChange={(key) => choose(key as Tab)}>
        <TabList aria-label={t("viewer.label")} className="tab-list">
          {tabs.map((name) => (
            <TabButton key={name} id={name} className="tab" isDisabled={isPictured(detail) && !isThere(name)}>
              {t(`viewer.${name}`)}
            </TabButton>
          ))}
        </TabList>
        {isOld && item && <OldPart item={item} onBack={onBack} />}
        <TabPanel ref={panel} id={shownTab} className="tab-panel">
          {isPictured(detail) && shownTab === "cloud" ? (
            <Suspense fallback={<Message text={t("app.loading")} />}>
              {hasCloud(artifacts) ? <CloudView key={detail.id} detail={detail} /> : <Message text={t("viewer.cloudView.none")} />}
            </Suspense>
          ) : isPictured(detail) ? (
            <Picture
              key={detail.id}
              detail={detail}
              base={shownBase}
              look={shownTab === "anomaly" ? overMap : overBase}
              onLook={shownTab === "anomaly" ? setOverMap : setOverBase}
              isComparing={isComparing}
              onCompare={setComparing}
            />
          ) : (
            <Message text={message(item, detail)} />
          )}
        </TabPanel>
      </Tabs>
    </section>
  );

  function message(of: InspectionSummary | null, read: Inspection | undefined): string {
    if (!of && attempt) return t(attempt.state === "sending" ? "viewer.running" : "viewer.none");
    if (!of) return t("viewer.empty");
    if (of.state !== "finished") return t("viewer.running");
    return read ? t("viewer.none") : t("app.loading");
  }
}

function Message({ text }: { text: string }) {
  return (
    <div className="frame">
      <p className="message">{text}</p>
    </div>
  );
}

function OldPart({ item, onBack }: { item: InspectionSummary; onBack: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="old">
      <p>
        {t("viewer.old")}: <b>{item.serial ?? t("verdict.noSerial")}</b> {format.time(item.created)} <b>{t(`history.${item.evaluation}`)}</b>
      </p>
      <Button className="tool wide" onPress={onBack}>
        <BackIcon />
        <span>{t("viewer.back")}</span>
      </Button>
    </div>
  );
}
