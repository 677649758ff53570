import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useLights } from "../api/rig";

const DARK = "dark";

/** What the camera sees now, in one light. It is only asked for while it is switched on, and lets an inspection go first. */
export function Preview() {
  const { t } = useTranslation();
  const lights = useLights().data ?? [DARK];
  const [light, setLight] = useState<string | null>(null);
  const [isOn, setIsOn] = useState(false);
  const [hasFailed, setHasFailed] = useState(false);
  const shown = light ?? lights.find((name) => name !== DARK) ?? DARK;

  useEffect(() => setHasFailed(false), [shown, isOn]);

  return (
    <section className="card block">
      <h2>{t("preview.title")}</h2>
      <div className="row">
        <label className="field">
          <span>{t("preview.light")}</span>
          <select value={shown} onChange={(event) => setLight(event.target.value)}>
            {lights.map((name) => (
              <option key={name} value={name}>
                {name === DARK ? t("preview.dark") : name}
              </option>
            ))}
          </select>
        </label>
        <Button className="tool" aria-pressed={isOn} onPress={() => setIsOn(!isOn)}>
          {isOn ? t("preview.stop") : t("preview.start")}
        </Button>
      </div>
      <div className="preview">
        {isOn && !hasFailed ? (
          <img src={`/api/v1/rig/preview?light=${encodeURIComponent(shown)}`} alt={t("preview.title")} onError={() => setHasFailed(true)} />
        ) : (
          <p>{hasFailed ? t("preview.failed") : t("preview.off")}</p>
        )}
      </div>
    </section>
  );
}
