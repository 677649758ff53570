import { type RefObject, useEffect, useRef, useState } from "react";
import { clamp, moved, type Point, type Size, type View, WHOLE, zoomedAt } from "./view";

const WHEEL_STEP = 1.0015;
const TAP_PX = 8;
const STEP_PX = 80;
export const BUTTON_STEP = 1.6;

/** Size of an element, followed as it changes. */
export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

/**
 * Zoom and position of a picture in its frame, by wheel, by one or two fingers and by keys. Nothing needs a drag: touching
 * a place of a zoomed picture brings it to the middle, and the buttons and keys do the rest.
 *
 * @param onTap takes touches of a place instead, where it is given.
 * @param beside a second frame of the same size that shows the same place of another picture: what is done in one is done in both.
 */
export function useView(ref: RefObject<HTMLDivElement | null>, image: Size, onTap: ((at: Point) => void) | null, beside: HTMLElement | null = null) {
  const frame = useSize(ref);
  const [view, setView] = useState<View>(WHOLE);
  const { width, height } = image;
  const tap = useRef(onTap);
  useEffect(() => {
    tap.current = onTap;
  });

  useEffect(() => {
    const elements = [ref.current, beside].filter((element) => element !== null);
    if (elements.length === 0 || frame.width === 0) return;
    const size = { width, height };
    const fingers = new Map<number, Point>();
    let travelled = 0;

    const local = (event: MouseEvent): Point => {
      const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const at = local(event);
      setView((known) => zoomedAt(known, WHEEL_STEP ** -event.deltaY, at, size, frame));
    };
    const onDown = (event: PointerEvent) => {
      if (fingers.size === 0) travelled = 0;
      fingers.set(event.pointerId, local(event));
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    };
    const onMove = (event: PointerEvent) => {
      const from = fingers.get(event.pointerId);
      if (!from) return;
      const to = local(event);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      const by = { x: to.x - from.x, y: to.y - from.y };
      travelled += Math.hypot(by.x, by.y) + (other ? TAP_PX : 0);
      fingers.set(event.pointerId, to);
      if (!other) {
        setView((known) => moved(known, by, size, frame));
        return;
      }
      const factor = Math.hypot(to.x - other.x, to.y - other.y) / Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
      const middle = { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 };
      setView((known) => moved(zoomedAt(known, factor, middle, size, frame), { x: by.x / 2, y: by.y / 2 }, size, frame));
    };
    const onUp = (event: PointerEvent) => {
      const at = fingers.get(event.pointerId);
      fingers.delete(event.pointerId);
      if (!at || event.type === "pointercancel" || travelled > TAP_PX) return;
      if (tap.current) {
        tap.current(at);
        return;
      }
      setView((known) => (known.zoom > 1 ? moved(known, { x: frame.width / 2 - at.x, y: frame.height / 2 - at.y }, size, frame) : known));
    };

    // React listens to wheel passively, which cannot keep the page from scrolling.
    const listening = new AbortController();
    const { signal } = listening;
    for (const element of elements) {
      element.addEventListener("wheel", onWheel, { passive: false, signal });
      element.addEventListener("pointerdown", onDown, { signal });
      element.addEventListener("pointermove", onMove, { signal });
      element.addEventListener("pointerup", onUp, { signal });
      element.addEventListener("pointercancel", onUp, { signal });
    }
    return () => listening.abort();
  }, [ref, width, height, frame, beside]);

  const middle = { x: frame.width / 2, y: frame.height / 2 };
  const zoomBy = (factor: number) => setView((known) => zoomedAt(known, factor, middle, image, frame));
  const showAll = () => setView(WHOLE);
  const moveBy = (x: number, y: number) => setView((known) => moved(known, { x, y }, image, frame));

  const onKey = (key: string): boolean => {
    const actions: Record<string, () => void> = {
      "+": () => zoomBy(BUTTON_STEP),
      "=": () => zoomBy(BUTTON_STEP),
      "-": () => zoomBy(1 / BUTTON_STEP),
      "0": showAll,
      ArrowLeft: () => moveBy(STEP_PX, 0),
      ArrowRight: () => moveBy(-STEP_PX, 0),
      ArrowUp: () => moveBy(0, STEP_PX),
      ArrowDown: () => moveBy(0, -STEP_PX),
    };
    actions[key]?.();
    return key in actions;
  };

  const shown = frame.width > 0 ? clamp(view, image, frame) : view;
  return { frame, view: shown, zoomBy, showAll, onKey, show: (next: View) => setView(clamp(next, image, frame)) };
}
