/** Which part of a picture is seen: zoom over the fitted size, and the point in the middle as fractions of the picture. */
export interface View {
  zoom: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export const WHOLE: View = { zoom: 1, x: 0.5, y: 0.5 };
const MAX_ZOOM = 24;

/** Screen pixels a picture pixel takes when the whole picture is seen. */
export function fitScale(image: Size, frame: Size): number {
  return Math.min(frame.width / image.width, frame.height / image.height);
}

/** Keeps the picture in the frame: what is smaller than the frame is centred, what is larger covers it. */
export function clamp(view: View, image: Size, frame: Size): View {
  const zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom));
  const scale = fitScale(image, frame) * zoom;
  const along = (centre: number, picture: number, window: number) => {
    const half = window / (2 * picture * scale);
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, centre));
  };
  return { zoom, x: along(view.x, image.width, frame.width), y: along(view.y, image.height, frame.height) };
}

/** The picture's scale and the place of its upper left corner, in pixels of the frame. */
export interface Place {
  scale: number;
  left: number;
  top: number;
}

export function placed(view: View, image: Size, frame: Size): Place {
  const scale = fitScale(image, frame) * view.zoom;
  return { scale, left: frame.width / 2 - view.x * image.width * scale, top: frame.height / 2 - view.y * image.height * scale };
}

/** Zooms so that what is under `at` (pixels of the frame) stays under it. */
export function zoomedAt(view: View, factor: number, at: Point, image: Size, frame: Size): View {
  const before = fitScale(image, frame) * view.zoom;
  const zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom * factor));
  const after = fitScale(image, frame) * zoom;
  const shift = 1 / before - 1 / after;
  const x = view.x + ((at.x - frame.width / 2) * shift) / image.width;
  const y = view.y + ((at.y - frame.height / 2) * shift) / image.height;
  return clamp({ zoom, x, y }, image, frame);
}

/** Moves the picture by pixels of the frame. */
export function moved(view: View, by: Point, image: Size, frame: Size): View {
  const scale = fitScale(image, frame) * view.zoom;
  return clamp({ ...view, x: view.x - by.x / (image.width * scale), y: view.y - by.y / (image.height * scale) }, image, frame);
}

/** The point of the picture, in its pixels and within its edges, that is under a point of the frame. */
export function underPoint(at: Point, place: Place, image: Size): Point {
  const within = (value: number, size: number) => Math.min(size - 0.5, Math.max(0.5, value));
  return { x: within((at.x - place.left) / place.scale, image.width), y: within((at.y - place.top) / place.scale, image.height) };
}

/** Moves the view only as far as a point of the picture needs to be seen, with a margin. */
export function seen(view: View, point: Point, marginPx: number, image: Size, frame: Size): View {
  const place = placed(view, image, frame);
  const inside = (at: number, size: number) => Math.min(size - marginPx, Math.max(marginPx, at)) - at;
  const x = inside(place.left + point.x * place.scale, frame.width);
  const y = inside(place.top + point.y * place.scale, frame.height);
  return x === 0 && y === 0 ? view : moved(view, { x, y }, image, frame);
}

/** Length for a scale bar: 1, 2 or 5 times a power of ten, at most `limit_px` long on screen. */
export function scaleBar(pixelsPerMm: number, limitPx: number): { mm: number; px: number } {
  const longest = limitPx / pixelsPerMm;
  const decade = 10 ** Math.floor(Math.log10(longest));
  const mm = decade * ([5, 2].find((step) => step * decade <= longest) ?? 1);
  return { mm, px: mm * pixelsPerMm };
}
