import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { type Cloud, pointAt, sigmaUm, spacingPx } from "./cloud";
import { difference, profileBetween } from "./profile";
import { ProfileChart } from "./ProfileChart";

const NAMES = ["A", "B"] as const;

interface Props {
  cloud: Cloud;
  /** The marked points, none to two. */
  marks: readonly number[];
  pitchMm: number | null;
  /** Whether the last try to mark found no point. */
  isMiss: boolean;
}

/** What was measured between two marked points, and what to do next until there are two. */
export function Measured({ cloud, marks, pitchMm, isMiss }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const points = marks.map((mark) => pointAt(cloud, mark));
  const [a, b] = points;
  const words = ({ x, y, z }: { x: number; y: number; z: number }) => ({ x: format.three(x), y: format.three(y), z: format.three(z) });
  return (
    <div className="measured" role="group" aria-label={t("viewer.measure.label")} aria-live="polite" data-testid="measured">
      {points.map((point, at) => (
        <p key={at} data-testid={`point-${NAMES[at]}`}>
          {t("viewer.measure.point", { name: NAMES[at], ...words(point) })}
        </p>
      ))}
      {a && b ? <Between cloud={cloud} from={marks[0]!} to={marks[1]!} pitchMm={pitchMm} /> : <p className="how">{t(a ? "viewer.measure.second" : "viewer.measure.first")}</p>}
      {isMiss && <p className="how">{t("viewer.measure.miss")}</p>}
    </div>
  );
}

function Between({ cloud, from, to, pitchMm }: { cloud: Cloud; from: number; to: number; pitchMm: number | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const step = difference(pointAt(cloud, from), pointAt(cloud, to));
  const [first, second] = [sigmaUm(cloud, from), sigmaUm(cloud, to)];
  // The two points are measured apart from each other: their variances add.
  const sigma = first !== null && second !== null ? Math.hypot(first, second) : null;
  const profile = useMemo(() => (pitchMm ? profileBetween(cloud, from, to, pitchMm * spacingPx(cloud)) : null), [cloud, from, to, pitchMm]);
  return (
    <>
      <p data-testid="difference">
        <b>{t("viewer.measure.difference", { x: format.three(step.x), y: format.three(step.y), z: format.three(step.z) })}</b>
      </p>
      <p>
        {t("viewer.measure.distance", { distance: format.three(step.distance) })},{" "}
        {sigma === null ? t("viewer.measure.noSigma") : t("viewer.measure.sigma", { sigma: format.one(sigma) })}
      </p>
      {profile ? <ProfileChart profile={profile} /> : <p className="how">{t("viewer.measure.sparse")}</p>}
    </>
  );
}
