import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRigState } from "../api/queries";
import { useTiming } from "../api/rig";
import type { ScanTiming } from "../api/schema";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { TimingDiagram } from "./TimingDiagram";

/** GigE, USB3, and two lines of CoaXPress, 10⁶ bytes a second. */
const LINKS = [110, 380, 1200] as const;

/** What shines when in a scan, and where the time of the last one went. */
export function TimingCard() {
  const { t } = useTranslation();
  const format = useFormat();
  const [link, setLink] = useState<number>(LINKS[0]);
  const timing = useTiming(link);
  const isSimulated = useRigState().data?.is_simulated ?? false;
  const found = timing.data;
  return (
    <section className="card block wide" data-testid="timing">
      <h2>{t("timing.title")}</h2>
      {found && <Cycle timing={found} />}
      <Outcome action={timing} />
      {found?.measured && isSimulated && <p className="lead">{t("timing.simulated")}</p>}
      {found?.outruns_link && <p className="problem">{t("timing.outruns")}</p>}
      {found && <TimingDiagram timing={found} />}
      <div className="row">
        <label className="field">
          <span>{t("timing.link")}</span>
          <select value={link} onChange={(event) => setLink(Number(event.target.value))}>
            {LINKS.map((speed) => (
              <option key={speed} value={speed}>
                {t(`timing.links.${speed}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {found?.measured && (
        <ListTable label={t("timing.cycle")} heads={[t("timing.shines"), { number: t("timing.frames") }, { number: t("timing.planned") }, { number: t("timing.measured") }]}>
          {found.measured.parts.map((part, index) => (
            <tr key={`${index} ${part.shines}`}>
              <td>{part.shines === "nothing" ? t("timing.dark") : part.shines}</td>
              <td className="number">{part.frames}</td>
              <td className="number">{format.whole(part.planned_ms)}</td>
              <td className="number">{format.whole(part.measured_ms)}</td>
            </tr>
          ))}
        </ListTable>
      )}
      {found && (
        <details>
          <summary>{t("timing.everyStep", { count: found.steps.length })}</summary>
          <Steps timing={found} />
        </details>
      )}
    </section>
  );
}

function Cycle({ timing }: { timing: ScanTiming }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { measured } = timing;
  return (
    <dl className="pairs">
      {measured && (
        <>
          <dt>{t("timing.lastScan")}</dt>
          <dd>
            <b>{format.two(measured.duration_ms / 1000)} s</b> · {format.date(measured.at)} {format.time(measured.at)}
          </dd>
        </>
      )}
      <dt>{t("timing.plan")}</dt>
      <dd>
        {format.two(timing.duration_ms / 1000)} s · {t("timing.exposure", { seconds: format.two(timing.exposure_ms / 1000), count: timing.steps.length })}
      </dd>
    </dl>
  );
}

function Steps({ timing }: { timing: ScanTiming }) {
  const { t } = useTranslation();
  const format = useFormat();
  const heads = [t("timing.step"), t("timing.shines"), { number: t("timing.exposureUs") }, { number: t("timing.exposedAt") }, { number: t("timing.arrives") }, { number: t("timing.arrived") }];
  return (
    <ListTable label={t("timing.steps")} heads={heads}>
      {timing.steps.map((step) => (
        <tr key={step.key}>
          <td><code>{step.key}</code></td>
          <td>{step.shines === "nothing" ? t("timing.dark") : step.shines}</td>
          <td className="number">{format.whole(step.exposure_us)}</td>
          <td className="number">{format.one(step.exposed_ms)}</td>
          <td className="number">{format.one(step.arrived_ms)}</td>
          <td className="number">{step.measured_ms === null ? "–" : format.one(step.measured_ms)}</td>
        </tr>
      ))}
    </ListTable>
  );
}
