import OpenSeadragon from "openseadragon";
import { useEffect, useRef } from "react";
import type { Place, Size } from "./view";

interface Props {
  /** The .dzi file of the picture. */
  url: string;
  image: Size;
  frame: Size;
  place: Place;
  isPixelated: boolean;
  onFail: () => void;
}

/**
 * A large picture in tiles: of the levels and places that are seen, no more. OpenSeadragon only draws here; what is seen is the
 * frame's to say, so that all layers lie on one grid, and fingers, wheel and keys do the same over pictures of every size.
 */
export default function Tiles({ url, image, frame, place, isPixelated, onFail }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const viewer = useRef<OpenSeadragon.Viewer | null>(null);
  const fail = useRef(onFail);
  const show = useRef(() => {});
  useEffect(() => {
    fail.current = onFail;
    show.current = () => {
      const viewport = viewer.current?.viewport;
      if (!viewport || !viewer.current?.world.getItemCount()) return;
      const unit = image.width * place.scale;
      viewport.resize(new OpenSeadragon.Point(frame.width, frame.height), false);
      viewport.fitBounds(new OpenSeadragon.Rect(-place.left / unit, -place.top / unit, frame.width / unit, frame.height / unit), true);
      viewer.current.drawer.setImageSmoothingEnabled(!isPixelated);
    };
    show.current();
  });

  useEffect(() => {
    if (!ref.current) return;
    const made = OpenSeadragon({
      element: ref.current,
      tileSources: url,
      drawer: "canvas",
      showNavigationControl: false,
      mouseNavEnabled: false,
      autoResize: false,
      tabIndex: -1,
      immediateRender: true,
      blendTime: 0,
      animationTime: 0,
      visibilityRatio: 0,
      minZoomImageRatio: 0,
      maxZoomPixelRatio: 1000,
      crossOriginPolicy: false,
    });
    viewer.current = made;
    made.addHandler("open", () => show.current());
    made.addHandler("open-failed", () => fail.current());
    return () => {
      viewer.current = null;
      made.destroy();
    };
  }, [url]);

  return <div className="tiles" inert ref={ref} />;
}
