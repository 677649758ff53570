import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useLastPictured } from "../api/recipes";
import type { IgnoredBox } from "../api/schema";
import { isPictured, overviewOf, urlOf } from "../viewer/layers";
import { BoxCanvas } from "./BoxCanvas";

const MOST = 50;
const SIDES = ["x_px", "y_px", "width_px", "height_px"] as const;

interface Props {
  recipe: string;
  boxes: readonly IgnoredBox[];
  onChange: (boxes: readonly IgnoredBox[]) => void;
}

/** Places that are not judged: drawn on the last part's picture, or typed. */
export function IgnoreEditor({ recipe, boxes, onChange }: Props) {
  const { t } = useTranslation();
  const last = useLastPictured(recipe);
  const [chosen, setChosen] = useState<number | null>(null);
  const part = last.data ?? undefined;
  const url = isPictured(part) ? (overviewOf("rgb", part.artifacts) ?? urlOf("rgb", part.artifacts)) : undefined;
  const size = isPictured(part) ? { width: part.width_px, height: part.height_px } : null;
  const add = (box: Omit<IgnoredBox, "name">) => {
    if (boxes.length >= MOST) return;
    onChange([...boxes, { ...box, name: t("recipe.place", { number: boxes.length + 1 }) }]);
    setChosen(boxes.length);
  };
  const change = (index: number, box: Partial<IgnoredBox>) => onChange(boxes.map((one, at) => (at === index ? { ...one, ...box } : one)));
  const remove = (index: number) => {
    onChange(boxes.filter((_, at) => at !== index));
    setChosen(null);
  };
  const middle = size ?? { width: 400, height: 300 };
  return (
    <fieldset className="block plain ignore">
      <legend>{t("recipe.ignore")}</legend>
      <p className="lead">{url ? t("recipe.draw") : t("recipe.noPicture")}</p>
      {url && size && <BoxCanvas url={url} size={size} boxes={boxes} chosen={chosen} onDraw={add} onChoose={setChosen} />}
      <Button
        className="tool"
        isDisabled={boxes.length >= MOST}
        onPress={() => add({ x_px: Math.round(middle.width * 0.4), y_px: Math.round(middle.height * 0.4), width_px: Math.round(middle.width / 5), height_px: Math.round(middle.height / 5) })}
      >
        {t("recipe.addPlace")}
      </Button>
      {boxes.map((box, index) => (
        // A place has nothing but its turn to be told apart by: its name is being typed.
        <div key={index} className={index === chosen ? "row place chosen" : "row place"} role="group" aria-label={box.name} onFocus={() => setChosen(index)}>
          <label className="field">
            <span>{t("recipe.placeName")}</span>
            <input value={box.name} required maxLength={400} onChange={(event) => change(index, { name: event.target.value })} />
          </label>
          {SIDES.map((side) => (
            <label key={side} className="field side">
              <span>{t(`recipe.${side}`)}</span>
              <input
                type="number"
                required
                min={side === "width_px" || side === "height_px" ? 1 : 0}
                max={100_000}
                value={box[side]}
                onChange={(event) => change(index, { [side]: Math.max(event.target.valueAsNumber || 0, side === "width_px" || side === "height_px" ? 1 : 0) })}
              />
            </label>
          ))}
          <Button className="tool" aria-label={t("recipe.removeOf", { name: box.name })} onPress={() => remove(index)}>
            {t("recipe.remove")}
          </Button>
        </div>
      ))}
    </fieldset>
  );
}
