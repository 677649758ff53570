import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useStorage } from "../api/rig";
import { useRetention, useRunRetention } from "../api/storage";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { TaskCard } from "../app/TaskCard";
import "./admin.css";
import { useSize } from "./useSize";

/** The disk, what goes when, and what would go now. */
export function Storage() {
  const { t } = useTranslation();
  const format = useFormat();
  const size = useSize();
  const storage = useStorage();
  const retention = useRetention();
  const run = useRunRetention();
  const [isArmed, setIsArmed] = useState(false);
  const { task } = useLastTask("retention");
  const disk = storage.data;
  const preview = retention.data;
  return (
    <>
      {task && <TaskCard task={task} />}
      <section className="card block" data-testid="storage">
        <h2>{t("storage.title")}</h2>
        <Outcome action={storage} />
        {disk && (
          <>
            <Gauge total={disk.total_bytes} free={disk.free_bytes} kept={disk.kept_bytes} reserve={disk.reserve_bytes} />
            <dl className="pairs">
              <dt>{t("storage.free")}</dt>
              <dd className={disk.free_bytes < 2 * disk.reserve_bytes ? "wrong" : ""}>{t("storage.of", { part: size(disk.free_bytes), whole: size(disk.total_bytes) })}</dd>
              <dt>{t("storage.reserve")}</dt>
              <dd>{size(disk.reserve_bytes)}</dd>
              <dt>{t("storage.kept")}</dt>
              <dd>{size(disk.kept_bytes)} · {t("storage.inspections", { count: disk.inspections_with_files })} · {t("storage.pinned", { count: disk.pinned })}</dd>
              {disk.orphans.length > 0 && (
                <>
                  <dt>{t("rig.orphans")}</dt>
                  <dd className="doubt">{disk.orphans.join(", ")}</dd>
                </>
              )}
            </dl>
          </>
        )}
      </section>
      <section className="card block" data-testid="retention">
        <h2>{t("storage.rules")}</h2>
        {disk && (
          <ul className="what-goes">
            <li>{t("storage.ruleGood", { days: format.whole(disk.keep_days) })}</li>
            <li>{t("storage.ruleBad", { days: format.whole(disk.keep_days_not_ok) })}</li>
            <li>{disk.keep_count === null ? t("storage.ruleAnyCount") : t("storage.ruleCount", { count: disk.keep_count })}</li>
            <li>{t("storage.ruleSpace", { size: size(disk.reserve_bytes) })}</li>
            <li>{t("storage.rulePinned")}</li>
          </ul>
        )}
        <p className="lead">{t("storage.where")}</p>
        <h3>{t("storage.preview")}</h3>
        {preview && preview.going.length === 0 && <p role="status">{t("storage.nothingGoes")}</p>}
        {!!preview?.going.length && (
          <ListTable label={t("storage.preview")} heads={[t("storage.why"), { number: t("storage.count") }, { number: t("storage.size") }, t("storage.span")]}>
            {preview.going.map((rule) => (
              <tr key={rule.why}>
                <td>{t(`storage.whys.${rule.why}`)}</td>
                <td className="number">{rule.inspections}</td>
                <td className="number">{size(rule.size_bytes)}</td>
                <td>{format.date(rule.oldest)} – {format.date(rule.newest)}</td>
              </tr>
            ))}
          </ListTable>
        )}
        <div className="row">
          <Button className="tool" onPress={() => void retention.refetch()}>
            {t("storage.lookAgain")}
          </Button>
          <Button
            className={isArmed ? "tool armed" : "tool"}
            isDisabled={!preview?.inspections || run.isPending || isOpen(task)}
            onPress={() => {
              if (isArmed) run.mutate(undefined);
              setIsArmed(!isArmed);
            }}
          >
            {isArmed ? t("app.signOutConfirm") : t("storage.run")}
          </Button>
        </div>
        <Outcome action={run.error ? run : retention} />
      </section>
    </>
  );
}

function Gauge({ total, free, kept, reserve }: { total: number; free: number; kept: number; reserve: number }) {
  const { t } = useTranslation();
  const share = (bytes: number) => `${Math.min(Math.max((bytes / total) * 100, 0), 100)}%`;
  const others = Math.max(total - free - kept, 0);
  return (
    <figure className="gauge">
      <div aria-hidden="true">
        <span className="kept" style={{ width: share(kept) }} />
        <span className="others" style={{ width: share(others) }} />
        <i style={{ right: share(reserve) }} />
      </div>
      <figcaption>
        <span><i className="kept" />{t("storage.kept")}</span>
        <span><i className="others" />{t("storage.others")}</span>
        <span><i className="free" />{t("storage.free")}</span>
        <span><i className="reserve" />{t("storage.reserve")}</span>
      </figcaption>
    </figure>
  );
}
