import { useTranslation } from "react-i18next";
import type { Region } from "../api/schema";
import { useFormat } from "../app/format";
import { type Place, type Point, scaleBar, type Size } from "./view";

const MARGIN_PX = 24;
const LONGEST_BAR_PX = 220;
const GAP_PX = 6;
/** What the zoom buttons take of the upper right corner, and what a label needs. */
const BUTTONS = { width: 88, height: 212 };
const LABEL_PX = 130;
const CROSS = "M-26 0h20m12 0h20M0-26v20m0 12v20";

interface Props {
  frame: Size;
  place: Place;
  regions: readonly Region[];
  pitchMm: number | null;
  /** The place whose values are read, pixels of the picture. */
  cross: Point | null;
  /** Whether the boxes are of this picture: beside it they only show the place. */
  isNamed?: boolean;
}

/** Boxes and scale bar, drawn in pixels of the screen so that lines and letters keep their size at any zoom. */
export function Overlay({ frame, place, regions, pitchMm, cross, isNamed = true }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const bar = pitchMm ? scaleBar(place.scale / pitchMm, Math.min(LONGEST_BAR_PX, frame.width / 3)) : null;
  const barY = frame.height - MARGIN_PX;
  return (
    <svg className="overlay" width={frame.width} height={frame.height} aria-hidden="true">
      {regions.map((region, at) => {
        const x = place.left + region.x_px * place.scale - GAP_PX;
        const y = place.top + region.y_px * place.scale - GAP_PX;
        const width = region.width_px * place.scale + 2 * GAP_PX;
        const height = region.height_px * place.scale + 2 * GAP_PX;
        if (x + width < 0 || y + height < 0 || x > frame.width || y > frame.height) return null;
        // The label goes below a box that touches the upper edge.
        const labelY = y > 40 ? y - 10 : y + height + 26;
        const edge = frame.width - LABEL_PX - (labelY < BUTTONS.height ? BUTTONS.width : 0);
        return (
          <g key={at} className={at === 0 ? "region region-strongest" : "region"} data-testid="region">
            <rect className="halo" x={x} y={y} width={width} height={height} />
            <rect x={x} y={y} width={width} height={height} />
            {isNamed && (
              <text x={Math.max(8, Math.min(x, edge))} y={labelY}>
                {t("viewer.area", { area: format.two(region.area_mm2) })}
              </text>
            )}
          </g>
        );
      })}
      {cross && (
        <g className="cross" data-testid="cross" transform={`translate(${place.left + cross.x * place.scale} ${place.top + cross.y * place.scale})`}>
          <path className="halo" d={CROSS} />
          <path d={CROSS} />
        </g>
      )}
      {bar && (
        <g className="bar">
          <path className="halo" d={`M${MARGIN_PX} ${barY - 8}v8h${bar.px}v-8`} />
          <path d={`M${MARGIN_PX} ${barY - 8}v8h${bar.px}v-8`} />
          <text x={MARGIN_PX + bar.px / 2} y={barY - 12} textAnchor="middle">
            {t("viewer.mm", { length: bar.mm })}
          </text>
        </g>
      )}
    </svg>
  );
}
