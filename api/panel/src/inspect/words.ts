import type { Inspection, Region } from "../api/schema";

const ROWS = ["upper", "", "lower"];
const COLUMNS = ["left", "", "right"];

type Place = "upperleft" | "upper" | "upperright" | "left" | "centre" | "right" | "lowerleft" | "lower" | "lowerright";

const third = (fraction: number) => Math.min(2, Math.max(0, Math.floor(fraction * 3)));

/** In which ninth of the picture a region lies, as the operator sees it. */
export function placeOf(region: Region, image: Pick<Inspection, "width_px" | "height_px">): Place {
  const column = third((region.x_px + region.width_px / 2) / (image.width_px ?? 1));
  const row = third((region.y_px + region.height_px / 2) / (image.height_px ?? 1));
  return (`${ROWS[row]}${COLUMNS[column]}` || "centre") as Place;
}
