import { useTranslation } from "react-i18next";
import { useRigState } from "../api/queries";
import { useStorage } from "../api/rig";
import { useLastTask } from "../api/tasks";
import { Header } from "../app/Header";
import { TaskCard } from "../app/TaskCard";
import "../i18n/more";
import { reasonCure, reasonTitle } from "../i18n/reason";
import { CalibrationCard } from "./CalibrationCard";
import { CapturesCard } from "./CapturesCard";
import { ConfigurationCard } from "./ConfigurationCard";
import { Preview } from "./Preview";
import "./rig.css";
import { SelfTestCard } from "./SelfTestCard";
import { TimingCard } from "./TimingCard";

const GIB = 2 ** 30;

/** The rig: how it is, what it sees, whether it still measures what it did. */
export default function RigPage() {
  const { t } = useTranslation();
  const rig = useRigState().data;
  const storage = useStorage().data;
  const { task } = useLastTask("calibration_check", "self_test", "capture");
  const gib = (bytes: number) => t("rig.gib", { count: Math.round((bytes / GIB) * 10) / 10 });
  return (
    <div className="page">
      <Header title={t("nav.rig")} />
      <main className="sheet two">
        {task && <TaskCard task={task} />}
        <div className="column">
          <section className="card block">
            <h2>{t("rig.state")}</h2>
            {rig && (
              <dl className="pairs">
                <dt>{t("rig.rig")}</dt>
                <dd>{rig.rig}</dd>
                <dt>{t("rig.now")}</dt>
                <dd className={rig.state === "Error" || rig.state === "Halted" ? "wrong" : ""}>{t(`station.${rig.state}`)}</dd>
                <dt>{t("rig.queued")}</dt>
                <dd>{rig.queued}</dd>
                {storage && (
                  <>
                    <dt>{t("rig.free")}</dt>
                    <dd className={storage.free_bytes < 2 * storage.reserve_bytes ? "wrong" : ""}>{gib(storage.free_bytes)} · {t("rig.reserve", { size: gib(storage.reserve_bytes) })}</dd>
                    <dt>{t("rig.kept")}</dt>
                    <dd>{gib(storage.kept_bytes)} · {t("rig.withFiles", { count: storage.inspections_with_files })}</dd>
                    {storage.orphans.length > 0 && (
                      <>
                        <dt>{t("rig.orphans")}</dt>
                        <dd className="doubt">{storage.orphans.length}</dd>
                      </>
                    )}
                  </>
                )}
              </dl>
            )}
            {rig?.reason && (
              <p className="problem">
                <strong>{reasonTitle(rig.reason)}.</strong> <span lang="en">{rig.reason.message}</span> {reasonCure(rig.reason)} <code>{rig.reason.code}</code>
              </p>
            )}
          </section>
          <Preview />
          <CapturesCard />
        </div>
        <div className="column">
          <CalibrationCard />
          <SelfTestCard />
        </div>
        <TimingCard />
        <ConfigurationCard />
      </main>
    </div>
  );
}
