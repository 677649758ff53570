import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCalibration, useCheckCalibration } from "../api/rig";
import type { CalibratedDevice, DriftReport } from "../api/schema";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { reasonCure, reasonTitle } from "../i18n/reason";

/** How old the calibration is, how good it was, and whether it still holds. */
export function CalibrationCard() {
  const { t } = useTranslation();
  const format = useFormat();
  const calibration = useCalibration();
  const check = useCheckCalibration();
  const { task } = useLastTask("calibration_check");
  const found = calibration.data;
  return (
    <section className="card block" data-testid="calibration">
      <h2>{t("calibration.title")}</h2>
      {found && (
        <dl className="pairs">
          <dt>{t("calibration.id")}</dt>
          <dd>{found.calibration_id}</dd>
          <dt>{t("calibration.age")}</dt>
          <dd>{t("calibration.days", { count: Math.floor(found.age_days) })} · {format.date(found.created)} · {t("calibration.warnAfter", { days: format.whole(found.warn_after_days) })}</dd>
          <dt>{t("calibration.camera")}</dt>
          <dd>{format.three(found.camera_rms_px)} px</dd>
          <dt>{t("calibration.projectors")}</dt>
          <dd>{format.three(found.projector_rms_px)} px</dd>
          <dt>{t("calibration.heldOut")}</dt>
          <dd>{format.two(found.held_out_rms_um)} µm</dd>
          <dt>{t("calibration.lights")}</dt>
          <dd>{format.two(found.light_rms_deg)}°</dd>
          <dt>{t("calibration.flatFields")}</dt>
          <dd>{format.two(found.flat_field_rms_percent)} %</dd>
          {found.height_median_um !== null && (
            <>
              <dt>{t("calibration.height")}</dt>
              <dd>{format.two(found.height_median_um)} µm</dd>
            </>
          )}
          <dt>{t("calibration.madeFrom")}</dt>
          <dd>
            {t(found.is_simulated ? "calibration.simulatedCaptures" : "calibration.captures")} · SHA-256 <code>{found.made_from_sha256.slice(0, 12)}</code>
          </dd>
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
      {found?.last_check && <Check check={found.last_check} />}
      {!!found?.devices.length && <Devices devices={found.devices} />}
      <div className="row">
        <Button className="tool" isDisabled={check.isPending || isOpen(task)} onPress={() => check.mutate(undefined)}>
          {t("calibration.check")}
        </Button>
        {found?.report_url && (
          <a className="tool" href={found.report_url} target="_blank" rel="noopener">
            {t("calibration.report")}
          </a>
        )}
      </div>
      {found && !found.report_url && <p className="lead">{t("calibration.noReport")}</p>}
      <Outcome action={check.error ? check : calibration} />
    </section>
  );
}

/** By how much each projector disagrees with the others, against what it may. */
function Check({ check }: { check: DriftReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const heads = [t("calibration.device"), { number: t("calibration.disagrees") }, { number: t("calibration.limit") }];
  return (
    <ListTable label={t("calibration.lastCheck")} heads={heads}>
      {Object.entries(check.projectors_um).map(([name, off]) => (
        <tr key={name} className={off > check.limit_um ? "wrong" : undefined}>
          <td>{name}</td>
          <td className="number">{format.two(off)}</td>
          <td className="number">{format.two(check.limit_um)}</td>
        </tr>
      ))}
    </ListTable>
  );
}

/** What the noise of the captures leaves open of each device. */
function Devices({ devices }: { devices: readonly (Omit<CalibratedDevice, "position_um"> & { position_um: readonly number[] })[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <details>
      <summary>{t("calibration.uncertainty")}</summary>
      <ListTable label={t("calibration.uncertainty")} heads={[t("calibration.device"), { number: t("calibration.focal") }, { number: t("calibration.stands") }, { number: t("calibration.points") }]}>
        {devices.map((device) => (
          <tr key={device.name}>
            <td>{device.name}</td>
            <td className="number">{format.two(device.focal_px)}</td>
            <td className="number">{device.position_um.map((value) => format.one(value)).join(" · ")}</td>
            <td className="number">{format.two(device.pointing_mdeg)}</td>
          </tr>
        ))}
      </ListTable>
    </details>
  );
}
