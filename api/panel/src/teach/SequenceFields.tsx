import { useTranslation } from "react-i18next";
import { useCalibration } from "../api/rig";
import type { RigSequence } from "../api/schema";

const CAMERA = "camera";
const EXPOSURES = ["light_exposure_us", "fringe_exposure_us"] as const;

/** How the rig captures this recipe's parts; what is left empty is done as rig.yaml says. */
export function SequenceFields({ sequence, onChange }: { sequence: RigSequence; onChange: (sequence: RigSequence) => void }) {
  const { t } = useTranslation();
  const calibrated = useCalibration().data?.devices.map(({ name }) => name).filter((name) => name !== CAMERA) ?? [];
  const projectors = [...new Set([...calibrated, ...(sequence.projectors ?? [])])];
  const chosen = sequence.projectors ?? projectors;
  const toggle = (name: string) => {
    const next = projectors.filter((one) => (one === name ? !chosen.includes(one) : chosen.includes(one)));
    if (next.length > 0) onChange({ ...sequence, projectors: next.length === projectors.length ? null : next });
  };
  return (
    <fieldset className="block plain">
      <legend>{t("recipe.sequence")}</legend>
      <div className="row">
        {EXPOSURES.map((name) => (
          <label key={name} className="field">
            <span>{t(`recipe.${name}`)}</span>
            <input
              type="number"
              min={1}
              max={10_000_000}
              step="any"
              placeholder={t("recipe.asRig")}
              value={sequence[name] ?? ""}
              onChange={(event) => onChange({ ...sequence, [name]: event.target.value === "" ? null : event.target.valueAsNumber })}
            />
          </label>
        ))}
      </div>
      {projectors.length > 0 && (
        <div className="row" role="group" aria-label={t("recipe.projectors")}>
          <span>{t("recipe.projectors")}</span>
          {projectors.map((name) => (
            <label key={name} className="check">
              <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
              <span>{name}</span>
            </label>
          ))}
        </div>
      )}
    </fieldset>
  );
}
