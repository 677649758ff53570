import { useTranslation } from "react-i18next";
import type { ScanTiming, TimedStep } from "../api/schema";
import { useFormat } from "../app/format";

const WIDTH = 1000;
const TICKS = 5;

interface Bar {
  from: number;
  to: number;
}

/** Up to so many times its plan a scan is drawn on the plan's own scale. */
const SAME_SCALE = 1.5;

/** One line for each light, one for the camera's exposures, one for the frames on the link; and one for when they really came. */
export function TimingDiagram({ timing }: { timing: ScanTiming }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { steps, measured } = timing;
  const isOneScale = measured === null || measured.duration_ms <= SAME_SCALE * timing.duration_ms;
  const longest = isOneScale ? Math.max(timing.duration_ms, measured?.duration_ms ?? 0) : timing.duration_ms;
  const seconds = (ms: number) => `${format.two(ms / 1000)} s`;
  const label = t("timing.label", { count: steps.length, planned: seconds(timing.duration_ms), measured: measured ? seconds(measured.duration_ms) : "–" });
  return (
    <figure className="timing" role="img" aria-label={label}>
      {lightsOf(steps).map((shines) => (
        <Lane key={shines} name={shines === "nothing" ? t("timing.dark") : shines} kind="light" longest={longest} bars={steps.filter((step) => step.shines === shines).map((step) => ({ from: step.starts_ms, to: endOf(step) }))} />
      ))}
      <Lane name={t("timing.camera")} kind="exposure" longest={longest} bars={steps.map((step) => ({ from: step.exposed_ms, to: endOf(step) }))} />
      <Lane name={t("timing.transfer")} kind="transfer" longest={longest} bars={steps.map((step) => ({ from: endOf(step), to: step.arrived_ms }))} />
      {!isOneScale && <Axis longest={longest} />}
      {measured && (
        <Lane
          name={t("timing.cameIn")}
          kind="came"
          longest={isOneScale ? longest : measured.duration_ms}
          bars={steps.flatMap(({ measured_ms }) => (measured_ms === null ? [] : [{ from: measured_ms, to: measured_ms }]))}
        />
      )}
      <Axis longest={isOneScale ? longest : measured.duration_ms} />
    </figure>
  );
}

function Axis({ longest }: { longest: number }) {
  const format = useFormat();
  return (
    <>
      <span />
      <div className="timing-axis">
        {Array.from({ length: TICKS + 1 }, (_, tick) => (
          <span key={tick}>{format.two((longest * tick) / TICKS / 1000)} s</span>
        ))}
      </div>
    </>
  );
}

function Lane({ name, kind, bars, longest }: { name: string; kind: string; bars: readonly Bar[]; longest: number }) {
  const x = (ms: number) => (ms / longest) * WIDTH;
  return (
    <>
      <span className="timing-name">{name}</span>
      <svg className={`timing-lane ${kind}`} viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map(({ from, to }) => (
          <rect key={from} x={x(from)} width={Math.max(x(to) - x(from), 1)} y={1} height={8} />
        ))}
      </svg>
    </>
  );
}

const endOf = (step: TimedStep) => step.exposed_ms + step.exposure_us / 1000;
const lightsOf = (steps: readonly TimedStep[]) => [...new Set(steps.map(({ shines }) => shines))];
