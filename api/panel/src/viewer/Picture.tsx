import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ToggleButton } from "react-aria-components/ToggleButton";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { FitIcon, MinusIcon, PlusIcon, TargetIcon } from "../app/icons";
import { aroundPart, GoodPart, goodOf } from "./GoodPart";
import { CompareIcon, CrossIcon } from "./icons";
import { type Base, endsOf, type Pictured, urlOf } from "./layers";
import { Legend } from "./Legend";
import { MAP_FROM, MAP_TO, MapLimitFilter } from "./MapLimitFilter";
import { Overlay } from "./Overlay";
import { PictureLayer } from "./PictureLayer";
import { Reading } from "./Reading";
import { BUTTON_STEP, useView } from "./useView";
import { ValueSlider } from "./ValueSlider";
import { placed, type Point, seen, underPoint } from "./view";

/** Share of the frame that a region takes when it is zoomed to. */
const REGION_SHARE = 0.35;
/** How far an arrow key moves the cross, pixels of the screen; with Shift, one pixel of the picture. */
const CROSS_STEP_PX = 12;
const CROSS_MARGIN_PX = 40;
const ARROWS: Record<string, Point> = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };

/** How the map lies over the picture. */
export interface MapLook {
  opacity: number;
  /** The map is hidden below so many times the limit. */
  from: number;
}

interface Props {
  detail: Pictured;
  base: Base;
  look: MapLook;
  onLook: (look: MapLook) => void;
  /** Whether the nearest good part stands beside it. */
  isComparing: boolean;
  onCompare: (isComparing: boolean) => void;
}

/** One picture of a part with the map over it, and the controls to look closer. */
export function Picture({ detail, base, look, onLook, isComparing, onCompare }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const ref = useRef<HTMLDivElement>(null);
  const filter = useId();
  const [next, setNext] = useState(0);
  const [cross, setCross] = useState<Point | null>(null);
  const [beside, setBeside] = useState<HTMLElement | null>(null);
  const image = { width: detail.width_px, height: detail.height_px };
  const good = goodOf(detail);
  const compared = isComparing ? good : null;
  const { frame, view, zoomBy, showAll, onKey, show } = useView(ref, image, cross && ((at) => setCross(underPoint(at, place, image))), beside);
  const place = placed(view, image, frame);
  const part = detail.serial ?? t("viewer.noPart");
  const hasMap = urlOf("anomaly", detail.artifacts) !== undefined;
  const layer = { detail, frame, place };
  const ends = endsOf(base, detail.artifacts);

  const isMeasured = frame.width > 0;
  useEffect(() => {
    if (compared && isMeasured) show(aroundPart(compared, image));
    // Once for each part: from then on the view is the person's.
  }, [compared === null, isMeasured]);

  const toNextRegion = () => {
    const region = detail.regions[next % detail.regions.length];
    if (!region) return;
    const zoom = REGION_SHARE * Math.min(image.width / region.width_px, image.height / region.height_px);
    const middle = { x: region.x_px + region.width_px / 2, y: region.y_px + region.height_px / 2 };
    show({ zoom, x: middle.x / image.width, y: middle.y / image.height });
    if (cross) setCross(middle);
    setNext(next + 1);
  };
  const switchCross = (isOn: boolean) => setCross(isOn ? underPoint({ x: frame.width / 2, y: frame.height / 2 }, place, image) : null);
  const moveCross = (from: Point, by: Point, isFine: boolean) => {
    const step = isFine ? 1 : Math.max(1, CROSS_STEP_PX / place.scale);
    const to = underPoint({ x: (from.x + by.x * step) * place.scale + place.left, y: (from.y + by.y * step) * place.scale + place.top }, place, image);
    setCross(to);
    show(seen(view, to, CROSS_MARGIN_PX, image, frame));
  };
  const onFrameKey = (event: KeyboardEvent) => {
    if (event.target !== ref.current || event.ctrlKey || event.altKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    if (cross && arrow) moveCross(cross, arrow, event.shiftKey);
    else if (event.key === "r" || event.key === "R") switchCross(!cross);
    else if (!onKey(event.key)) return;
    event.preventDefault();
  };

  return (
    <>
      <div className={compared ? "stage stage-compared" : "stage"}>
        <div
          ref={ref}
          className={`frame frame-${base}${view.zoom > 1 ? " frame-zoomed" : ""}`}
          role="group"
          aria-label={t("viewer.stage")}
          tabIndex={0}
          onKeyDown={onFrameKey}
        >
          {frame.width > 0 && (
            <>
              <PictureLayer {...layer} layer={base} alt={t("viewer.alt", { kind: t(`viewer.${base}`), part })} />
              {hasMap && (
                <PictureLayer
                  {...layer}
                  layer="anomaly"
                  alt={t("viewer.altMap", { part })}
                  style={{ opacity: look.opacity, filter: look.from > MAP_FROM ? `url("#${filter}")` : undefined }}
                />
              )}
              <Overlay frame={frame} place={place} regions={detail.regions} pitchMm={detail.pixel_pitch_mm} cross={cross} />
            </>
          )}
          <MapLimitFilter id={filter} ratio={look.from} />
          {ends && <Legend url={ends} />}
          {cross && <Reading detail={detail} at={cross} />}
          {compared && !cross && <p className="caption">{t("viewer.thisCaption")}</p>}
        </div>
        {compared && isMeasured && <GoodPart detail={detail} good={compared} base={base} frame={frame} place={place} cross={cross} frameRef={setBeside} />}
        <div className="stack">
          <Button className="tool" aria-label={t("viewer.zoomIn")} onPress={() => zoomBy(BUTTON_STEP)}>
            <PlusIcon />
          </Button>
          <Button className="tool" aria-label={t("viewer.zoomOut")} isDisabled={view.zoom <= 1} onPress={() => zoomBy(1 / BUTTON_STEP)}>
            <MinusIcon />
          </Button>
          <Button className="tool" aria-label={t("viewer.fit")} onPress={showAll}>
            <FitIcon />
          </Button>
        </div>
      </div>
      <div className="controls">
        <div className="sliders">
          <ValueSlider
            label={t("viewer.map")}
            value={look.opacity}
            onChange={(opacity) => onLook({ ...look, opacity })}
            least={0}
            most={1}
            step={0.05}
            isDisabled={!hasMap}
            formatOptions={{ style: "percent" }}
            shown={format.share(look.opacity)}
          />
          <ValueSlider
            label={t("viewer.limit")}
            value={look.from}
            onChange={(from) => onLook({ ...look, from })}
            least={MAP_FROM}
            most={MAP_TO}
            step={0.1}
            isDisabled={!hasMap || look.opacity === 0}
            formatOptions={{ minimumFractionDigits: 1, maximumFractionDigits: 1 }}
            shown={t("viewer.limitValue", { ratio: format.one(look.from) })}
          />
        </div>
        <ToggleButton className="tool wide" isDisabled={!good} isSelected={compared !== null} onChange={onCompare}>
          <CompareIcon />
          <span>{t(good ? "viewer.compare" : "viewer.noGood")}</span>
        </ToggleButton>
        {detail.regions.length > 0 && (
          <Button className="tool wide" onPress={toNextRegion}>
            <TargetIcon />
            <span>{t("viewer.next")}</span>
          </Button>
        )}
        <ToggleButton className="tool" aria-label={t("viewer.read")} isSelected={cross !== null} onChange={switchCross}>
          <CrossIcon />
        </ToggleButton>
      </div>
    </>
  );
}
