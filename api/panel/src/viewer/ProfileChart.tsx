import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import type { Profile } from "./profile";

const WIDTH = 320;
const HEIGHT = 120;
const LEFT = 58;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 10;
/** A flat section is not blown up until its noise fills the chart. */
const LEAST_RANGE_MM = 0.02;

/** Section between two points: height over the way along it, both mm; gaps where nothing was measured. */
export function ProfileChart({ profile }: { profile: Profile }) {
  const { t } = useTranslation();
  const format = useFormat();
  const middle = (profile.low + profile.high) / 2;
  const half = Math.max(profile.high - profile.low, LEAST_RANGE_MM) / 2;
  const [low, high] = [middle - half, middle + half];
  const x = (step: number) => LEFT + ((step + 0.5) / profile.z.length) * (WIDTH - LEFT - RIGHT);
  const y = (z: number) => TOP + ((high - z) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  let path = "";
  profile.z.forEach((z, step) => {
    if (Number.isNaN(z)) return;
    const isGap = step === 0 || Number.isNaN(profile.z[step - 1]!);
    path += `${isGap ? "M" : "L"}${x(step).toFixed(1)} ${y(z).toFixed(1)}${isGap ? "h.01" : ""}`;
  });
  const words = { low: format.three(profile.low), high: format.three(profile.high), length: format.two(profile.lengthMm) };
  return (
    <svg className="profile" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("viewer.measure.profile", words)} data-testid="profile">
      <path className="axis" d={`M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}`} />
      <path className="section" d={path} />
      <text x={LEFT - 6} y={TOP + 8} textAnchor="end">
        {format.three(high)}
      </text>
      <text x={LEFT - 6} y={HEIGHT - BOTTOM} textAnchor="end">
        {format.three(low)}
      </text>
      <text x={LEFT} y={HEIGHT - 6}>
        A
      </text>
      <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 6} textAnchor="middle">
        {t("viewer.mm", { length: format.two(profile.lengthMm) })}
      </text>
      <text x={WIDTH - RIGHT} y={HEIGHT - 6} textAnchor="end">
        B
      </text>
    </svg>
  );
}
