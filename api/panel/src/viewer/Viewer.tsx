import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Tab as TabButton, TabList, TabPanel, Tabs } from "react-aria-components/Tabs";
import { useTranslation } from "react-i18next";
import type { Inspection, InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";
import { BackIcon } from "../app/icons";
import type { Attempt } from "../inspect/verdict";
import { type Base, isPictured, type Tab, TABS, urlOf } from "./layers";
import { Picture } from "./Picture";
import "./viewer.css";

interface Props {
  item: InspectionSummary | null;
  detail: Inspection | undefined;
  attempt: Attempt | null;
  /** Whether this is not the part on the rig. */
  isOld: boolean;
  onBack: () => void;
}

/** Pictures of one part: three modalities, and the anomaly map over the one last chosen. */
export default function Viewer({ item, detail, attempt, isOld, onBack }: Props) {
  const { t } = useTranslation();
  const [tab, setTab] = useState<Tab>("anomaly");
  const [base, setBase] = useState<Base>("rgb");
  // The map starts hidden where a bare picture was asked for, and shown where the map was.
  const [overBase, setOverBase] = useState(0);
  const [overMap, setOverMap] = useState(0.85);

  const choose = (next: Tab) => {
    setTab(next);
    if (next !== "anomaly") setBase(next);
  };
  const artifacts = detail?.artifacts ?? [];

  return (
    <section className="card viewer" aria-label={t("viewer.label")}>
      <Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => choose(key as Tab)}>
        <TabList aria-label={t("viewer.label")} className="tab-list">
          {TABS.map((name) => (
            <TabButton key={name} id={name} className="tab" isDisabled={isPictured(detail) && !urlOf(name, artifacts)}>
              {t(`viewer.${name}`)}
            </TabButton>
          ))}
        </TabList>
        {isOld && item && <OldPart item={item} onBack={onBack} />}
        <TabPanel id={tab} className="tab-panel">
          {isPictured(detail) ? (
            <Picture
              key={detail.id}
              detail={detail}
              base={base}
              opacity={tab === "anomaly" ? overMap : overBase}
              onOpacity={tab === "anomaly" ? setOverMap : setOverBase}
            />
          ) : (
            <div className="frame">
              <p className="message">{message(item, detail)}</p>
            </div>
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
