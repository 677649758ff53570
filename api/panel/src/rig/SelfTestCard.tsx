import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useSelfTest } from "../api/rig";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { reasonCure } from "../i18n/reason";

/** Every device is asked, every zone shines once, and all goes dark. */
export function SelfTestCard() {
  const { t } = useTranslation();
  const test = useSelfTest();
  return (
    <section className="card block" data-testid="self-test">
      <h2>{t("selfTest.title")}</h2>
      <Button className="tool" isDisabled={test.isPending} onPress={() => test.mutate(undefined)}>
        {test.isPending ? t("selfTest.running") : t("selfTest.start")}
      </Button>
      <Outcome action={test} done={test.data?.is_ok ? t("selfTest.ok") : t("selfTest.failed")} />
      {test.data && (
        <ListTable label={t("selfTest.title")} heads={[t("selfTest.what"), t("selfTest.result")]}>
          {test.data.devices.map((device) => (
            <tr key={`${device.kind} ${device.name}`}>
              <td>{device.kind} {device.name}</td>
              <td>{device.model} {device.serial}</td>
            </tr>
          ))}
          {test.data.steps.map((step) => (
            <tr key={step.name}>
              <td lang="en">{step.name}</td>
              <td className={step.is_ok ? "" : "wrong"}>
                {step.is_ok ? t("selfTest.fine") : step.reason && <><span lang="en">{step.reason.message}</span> {reasonCure(step.reason)}</>}
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}
