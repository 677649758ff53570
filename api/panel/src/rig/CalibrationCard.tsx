import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCalibration, useCheckCalibration } from "../api/rig";
import { useFormat } from "../app/format";
import { Outcome } from "../app/Outcome";
import { reasonCure, reasonTitle } from "../i18n/reason";

/** How old the calibration is, how good it was, and whether it still holds. */
export function CalibrationCard() {
  const { t } = useTranslation();
  const format = useFormat();
  const calibration = useCalibration();
  const check = useCheckCalibration();
  const found = calibration.data;
  return (
    <section className="card block" data-testid="calibration">
      <h2>{t("calibration.title")}</h2>
      {found && (
        <dl className="pairs">
          <dt>{t("calibration.id")}</dt>
          <dd>{found.calibration_id}</dd>
          <dt>{t("calibration.age")}</dt>
          <dd>{t("calibration.days", { count: Math.floor(found.age_days) })} · {format.date(found.created)}</dd>
          <dt>{t("calibration.camera")}</dt>
          <dd>{format.three(found.camera_rms_px)} px</dd>
          <dt>{t("calibration.projectors")}</dt>
          <dd>{format.three(found.projector_rms_px)} px</dd>
          <dt>{t("calibration.heldOut")}</dt>
          <dd>{format.two(found.held_out_rms_um)} µm</dd>
          <dt>{t("calibration.lights")}</dt>
          <dd>{format.two(found.light_rms_deg)}°</dd>
          {found.last_check && (
            <>
              <dt>{t("calibration.lastCheck")}</dt>
              <dd className={found.last_check.holds ? "" : "wrong"}>
                {format.date(found.last_check.at)} · {found.last_check.holds ? t("calibration.holds") : t("calibration.doesNotHold")}
              </dd>
            </>
          )}
        </dl>
      )}
      {found?.warnings.map((warning) => (
        <p key={warning.code} className="problem">
          <strong>{reasonTitle(warning)}.</strong> <span lang="en">{warning.message}</span> {reasonCure(warning)} <code>{warning.code}</code>
        </p>
      ))}
      <Button className="tool" isDisabled={check.isPending} onPress={() => check.mutate(undefined)}>
        {t("calibration.check")}
      </Button>
      <Outcome action={check.error ? check : calibration} />
    </section>
  );
}
