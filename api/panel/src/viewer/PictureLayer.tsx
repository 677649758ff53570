import { type CSSProperties, lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { isLarge, type Layer, OVERVIEW_PX, overviewOf, type Pictured, tilesOf, urlOf } from "./layers";
import type { Place, Size } from "./view";

// Only large pictures need it.
const Tiles = lazy(() => import("./Tiles"));

/** From so many pixels of the screen a pixel of the picture on, its edges are shown. */
const PIXELS_FROM = 3;

interface Props {
  detail: Pictured;
  layer: Layer;
  alt: string;
  frame: Size;
  place: Place;
  /** How the map is laid over the picture. */
  style?: CSSProperties;
}

/** A picture at its place in the frame: whole where it is small; where it is large its overview, and tiles once that shows no longer all that is seen. */
export function PictureLayer({ detail, layer, alt, frame, place, style }: Props) {
  const { t } = useTranslation();
  const [broken, setBroken] = useState<string | null>(null);
  const image = { width: detail.width_px, height: detail.height_px };
  const url = isLarge(detail) ? tilesOf(detail, layer) : urlOf(layer, detail.artifacts);
  if (!url) return null;
  if (broken === url) return layer === "anomaly" ? null : <p className="message">{t("viewer.failed")}</p>;
  const isPixelated = place.scale > PIXELS_FROM;
  const placed = { width: image.width, height: image.height, transform: `translate(${place.left}px, ${place.top}px) scale(${place.scale})` };

  if (!isLarge(detail)) {
    return (
      <img
        className={isPixelated ? "picture picture-pixels" : "picture"}
        src={url}
        alt={alt}
        style={{ ...placed, ...style }}
        draggable={false}
        onError={() => setBroken(url)}
      />
    );
  }
  const overview = overviewOf(layer, detail.artifacts);
  const under = overview ?? (layer === "rgb" ? detail.thumbnail_url : null);
  const shownPx = Math.max(image.width, image.height) * place.scale * window.devicePixelRatio;
  return (
    <div className="picture-tiled" role="img" aria-label={alt} style={style}>
      {under && <img className="picture" src={under} alt="" style={placed} draggable={false} />}
      {(!overview || shownPx > OVERVIEW_PX) && (
        <Suspense fallback={null}>
          <Tiles key={url} url={url} image={image} frame={frame} place={place} isPixelated={isPixelated} onFail={() => setBroken(url)} />
        </Suspense>
      )}
    </div>
  );
}
