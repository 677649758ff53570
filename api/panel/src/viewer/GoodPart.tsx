import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { NearestGood } from "../api/schema";
import type { Base, Pictured } from "./layers";
import { Overlay } from "./Overlay";
import { type Place, type Point, type Size, type View } from "./view";

/** A good part to compare with, and the model that knows it. */
export interface Good extends NearestGood {
  model: string;
}

/** The good part of the model that this part was most like; none of models that were taught before they kept them. */
export function goodOf(detail: Pictured): Good | null {
  const made = detail.provenance;
  return made?.nearest_good && made.model_id ? { ...made.nearest_good, model: made.model_id } : null;
}

/** The view of the inspected part's surroundings: both parts are then as large as the frames allow. */
export function aroundPart(good: Good, image: Size): View {
  const zoom = Math.min(image.width / good.width_px, image.height / good.height_px);
  const x = (good.x_px + good.shift_x_px + good.width_px / 2) / image.width;
  const y = (good.y_px + good.shift_y_px + good.height_px / 2) / image.height;
  return { zoom, x, y };
}

interface Props {
  detail: Pictured;
  good: Good;
  base: Base;
  frame: Size;
  /** Of the inspected part. */
  place: Place;
  cross: Point | null;
  frameRef: (element: HTMLElement | null) => void;
}

/** The good part beside the inspected one, moved so that the same place of both is at the same place of their frames. */
export function GoodPart({ detail, good, base, frame, place, cross, frameRef }: Props) {
  const { t } = useTranslation();
  const [broken, setBroken] = useState<string | null>(null);
  // Of depth and height no picture is kept with the model.
  const shown = base === "pseudo3d" ? "pseudo3d" : "rgb";
  const url = `/api/v1/recipes/${detail.recipe}/models/${good.model}/good-parts/${good.part}/${shown}.jpg`;
  const left = place.left + (good.x_px + good.shift_x_px) * place.scale;
  const top = place.top + (good.y_px + good.shift_y_px) * place.scale;
  const number = good.part + 1;
  return (
    <div ref={frameRef} className="frame frame-zoomed" data-testid="good-part">
      {broken === url ? (
        <p className="message">{t("viewer.goodFailed")}</p>
      ) : (
        <>
          <img
            className="picture"
            src={url}
            alt={t("viewer.altGood", { kind: t(`viewer.${shown}`), number })}
            style={{ width: good.width_px, height: good.height_px, transform: `translate(${left}px, ${top}px) scale(${place.scale})` }}
            draggable={false}
            onError={() => setBroken(url)}
          />
          <Overlay frame={frame} place={place} regions={detail.regions} pitchMm={detail.pixel_pitch_mm} cross={cross} isNamed={false} />
        </>
      )}
      <p className="caption">{t("viewer.goodCaption", { kind: t(`viewer.${shown}`), number })}</p>
    </div>
  );
}
