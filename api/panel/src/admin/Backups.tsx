import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useBackUp, useBackups, useCheckBackup } from "../api/storage";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { TaskCard } from "../app/TaskCard";
import { useSize } from "./useSize";

/** Copies of the database: made, looked into, taken away. Putting one back is a command, for which the service has to stop. */
export function Backups() {
  const { t } = useTranslation();
  const format = useFormat();
  const size = useSize();
  const backups = useBackups();
  const make = useBackUp();
  const check = useCheckBackup();
  const { task } = useLastTask("backup");
  const newest = backups.data?.[0];
  return (
    <>
      {task && <TaskCard task={task} />}
      <section className="card block" data-testid="backups">
        <h2>{t("backups.title")}</h2>
        <p className="lead">{t("backups.what")}</p>
        <Button className="tool primary" isDisabled={make.isPending || isOpen(task)} onPress={() => make.mutate(undefined)}>
          {t("backups.make")}
        </Button>
        <Outcome action={make.error ? make : check.error ? check : backups} />
        {check.data && (
          <p role="status" className={check.data.is_sound ? "" : "problem"}>
            <b>{check.data.name}</b>: {check.data.is_sound ? t("backups.sound") : <span lang="en">{check.data.problems.join(" ")}</span>} SHA-256 <code className="code">{check.data.sha256}</code>
          </p>
        )}
        {backups.data?.length === 0 && <p>{t("backups.none")}</p>}
        {!!backups.data?.length && (
          <ListTable label={t("backups.title")} heads={[t("backups.name"), t("backups.when"), { number: t("storage.size") }, ""]}>
            {backups.data.map((backup) => (
              <tr key={backup.name}>
                <td>{backup.name}</td>
                <td>{format.date(backup.created)} {format.time(backup.created)}</td>
                <td className="number">{size(backup.size_bytes)}</td>
                <td className="actions">
                  <Button className="tool" aria-label={t("backups.checkOf", { name: backup.name })} isDisabled={check.isPending} onPress={() => check.mutate(backup.name)}>
                    {t("backups.check")}
                  </Button>{" "}
                  <a className="tool" aria-label={t("backups.getOf", { name: backup.name })} href={backup.url} download>
                    {t("backups.get")}
                  </a>
                </td>
              </tr>
            ))}
          </ListTable>
        )}
      </section>
      {newest && (
        <section className="card block">
          <h2>{t("backups.restore")}</h2>
          <p>{t("backups.restoreHow")}</p>
          <code className="secret">{newest.restore_command}</code>
        </section>
      )}
    </>
  );
}
