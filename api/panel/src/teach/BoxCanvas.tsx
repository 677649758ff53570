import { type PointerEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { IgnoredBox } from "../api/schema";

type Box = Omit<IgnoredBox, "name">;

interface Props {
  url: string;
  /** Of the camera's picture, in whose pixels boxes are. */
  size: { width: number; height: number };
  boxes: readonly IgnoredBox[];
  chosen: number | null;
  onDraw: (box: Box) => void;
  onChoose: (index: number) => void;
}

/** Less than this, of the picture's width, was a touch and no box. */
const TOUCH = 0.006;

/** The part's picture with its boxes; a new one is drawn from corner to corner. Fields beside it do the same without a pointer. */
export function BoxCanvas({ url, size, boxes, chosen, onDraw, onChoose }: Props) {
  const { t } = useTranslation();
  const [start, setStart] = useState<{ x: number; y: number } | null>(null);
  const [draft, setDraft] = useState<Box | null>(null);

  const at = (event: PointerEvent<SVGSVGElement>) => {
    const frame = event.currentTarget.getBoundingClientRect();
    const within = (value: number, most: number) => Math.round(Math.min(Math.max(value, 0), most));
    return { x: within(((event.clientX - frame.left) / frame.width) * size.width, size.width), y: within(((event.clientY - frame.top) / frame.height) * size.height, size.height) };
  };
  const down = (event: PointerEvent<SVGSVGElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    setStart(at(event));
  };
  const move = (event: PointerEvent<SVGSVGElement>) => {
    if (!start) return;
    const end = at(event);
    setDraft({ x_px: Math.min(start.x, end.x), y_px: Math.min(start.y, end.y), width_px: Math.abs(end.x - start.x), height_px: Math.abs(end.y - start.y) });
  };
  const up = () => {
    if (draft && Math.min(draft.width_px, draft.height_px) > TOUCH * size.width) onDraw(draft);
    else if (start) {
      const under = boxes.findIndex((box) => start.x >= box.x_px && start.y >= box.y_px && start.x <= box.x_px + box.width_px && start.y <= box.y_px + box.height_px);
      if (under >= 0) onChoose(under);
    }
    setStart(null);
    setDraft(null);
  };

  return (
    <div className="box-canvas" style={{ aspectRatio: `${size.width} / ${size.height}` }}>
      <img src={url} alt={t("recipe.picture")} draggable={false} />
      <svg viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true" onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up}>
        {boxes.map((box, index) => (
          <g key={index} className={index === chosen ? "chosen" : undefined}>
            <rect x={box.x_px} y={box.y_px} width={box.width_px} height={box.height_px} />
            <text x={box.x_px} y={box.y_px} dy="-.4em" fontSize={size.width / 55}>
              {box.name}
            </text>
          </g>
        ))}
        {draft && <rect className="draft" x={draft.x_px} y={draft.y_px} width={draft.width_px} height={draft.height_px} />}
      </svg>
    </div>
  );
}
