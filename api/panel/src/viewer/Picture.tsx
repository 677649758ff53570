import { useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { FitIcon, MinusIcon, PlusIcon, TargetIcon } from "../app/icons";
import { type Base, type Pictured, urlOf } from "./layers";
import { MapSlider } from "./MapSlider";
import { Overlay } from "./Overlay";
import { BUTTON_STEP, useView } from "./useView";
import { placed } from "./view";

/** Share of the frame that a region takes when it is zoomed to. */
const REGION_SHARE = 0.35;

interface Props {
  detail: Pictured;
  base: Base;
  opacity: number;
  onOpacity: (value: number) => void;
}

/** One picture of a part with the map over it, and the controls to look closer. */
export function Picture({ detail, base, opacity, onOpacity }: Props) {
  const { t } = useTranslation();
  const ref = useRef<HTMLDivElement>(null);
  const [next, setNext] = useState(0);
  const [broken, setBroken] = useState<string | null>(null);
  const image = { width: detail.width_px, height: detail.height_px };
  const { frame, view, zoomBy, showAll, onKey, show } = useView(ref, image);
  const place = placed(view, image, frame);
  const style = { width: image.width, height: image.height, transform: `translate(${place.left}px, ${place.top}px) scale(${place.scale})` };
  const part = detail.serial ?? t("viewer.noPart");
  const url = urlOf(base, detail.artifacts);
  const mapUrl = urlOf("anomaly", detail.artifacts);

  const toNextRegion = () => {
    const region = detail.regions[next % detail.regions.length];
    if (!region) return;
    const zoom = REGION_SHARE * Math.min(image.width / region.width_px, image.height / region.height_px);
    show({ zoom, x: (region.x_px + region.width_px / 2) / image.width, y: (region.y_px + region.height_px / 2) / image.height });
    setNext(next + 1);
  };

  return (
    <>
      <div
        ref={ref}
        className={`frame frame-${base}${view.zoom > 1 ? " frame-zoomed" : ""}`}
        role="group"
        aria-label={t("viewer.stage")}
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.target === ref.current && onKey(event.key)) event.preventDefault();
        }}
      >
        {frame.width > 0 && url && (
          <img
            className={place.scale > 3 ? "picture picture-pixels" : "picture"}
            src={url}
            alt={t("viewer.alt", { kind: t(`viewer.${base}`), part })}
            style={style}
            draggable={false}
            onError={() => setBroken(url)}
          />
        )}
        {frame.width > 0 && mapUrl && (
          <img className="picture map" src={mapUrl} alt={t("viewer.altMap", { part })} style={{ ...style, opacity }} draggable={false} />
        )}
        {broken === url && <p className="message">{t("viewer.failed")}</p>}
        {frame.width > 0 && <Overlay frame={frame} place={place} regions={detail.regions} pitchMm={detail.pixel_pitch_mm} />}
      </div>
      <div className="controls">
        <MapSlider value={opacity} onChange={onOpacity} isDisabled={!mapUrl} />
        {detail.regions.length > 0 && (
          <Button className="tool wide" onPress={toNextRegion}>
            <TargetIcon />
            <span>{t("viewer.next")}</span>
          </Button>
        )}
        <Button className="tool" aria-label={t("viewer.zoomOut")} isDisabled={view.zoom <= 1} onPress={() => zoomBy(1 / BUTTON_STEP)}>
          <MinusIcon />
        </Button>
        <Button className="tool" aria-label={t("viewer.zoomIn")} onPress={() => zoomBy(BUTTON_STEP)}>
          <PlusIcon />
        </Button>
        <Button className="tool" aria-label={t("viewer.fit")} onPress={showAll}>
          <FitIcon />
        </Button>
      </div>
    </>
  );
}
