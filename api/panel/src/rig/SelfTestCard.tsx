import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useSelfTest } from "../api/rig";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { progressText } from "../i18n/progress";
import { reasonCure } from "../i18n/reason";

/** Every device is asked, every zone shines once, and all goes dark. */
export function SelfTestCard() {
  const { t } = useTranslation();
  const format = useFormat();
  const test = useSelfTest();
  const { task, result } = useLastTask("self_test");
  const found = result?.self_test;
  return (
    <section className="card block" data-testid="self-test">
      <h2>
        {t("selfTest.title")} {task?.finished && <small>{format.date(task.finished)} {format.time(task.finished)}</small>}
      </h2>
      <Button className="tool" isDisabled={test.isPending || isOpen(task)} onPress={() => test.mutate(undefined)}>
        {isOpen(task) ? t("selfTest.running") : t("selfTest.start")}
      </Button>
      <Outcome action={test} />
      {found && (
        <>
          <p role="status" className={found.is_ok ? "" : "wrong"}>{found.is_ok ? t("selfTest.ok") : t("selfTest.failed")}</p>
          <ListTable label={t("selfTest.title")} heads={[t("selfTest.what"), t("selfTest.result")]}>
            {found.devices.map((device) => (
              <tr key={`${device.kind} ${device.name}`}>
                <td>{device.kind} {device.name}</td>
                <td>{device.model} {device.serial}</td>
              </tr>
            ))}
            {found.steps.map((step) => (
              <tr key={step.name}>
                <td>{progressText(step.name).text}</td>
                <td className={step.is_ok ? "" : "wrong"}>
                  {step.is_ok ? t("selfTest.fine") : step.reason && <><span lang="en">{step.reason.message}</span> {reasonCure(step.reason)}</>}
                </td>
              </tr>
            ))}
          </ListTable>
        </>
      )}
    </section>
  );
}
