import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export type Tone = "ink" | "mute" | "act" | "ng" | "edge";

export interface Line {
  label: string;
  tone: Tone;
  /** Dots alone, or dots on a line, or a line alone. */
  look: "dots" | "both" | "line" | "dashed";
  values: (number | null)[];
}

interface Props {
  label: string;
  /** Seconds since 1970, or numbers from 1 up. */
  x: number[];
  isTime: boolean;
  lines: readonly Line[];
  format: (value: number) => string;
  /** How the horizontal axis is written. */
  formatX: (value: number) => string;
}

const HOUR_S = 3600;
/** So many dots lie apart at full size; more are drawn smaller, or they hide the line among them. */
const ROOMY = 80;
const DOT_PX = 13;
const LEAST_DOT_PX = 5;

/** A single point stands in the middle of its chart, not on its edge. uPlot would give it days, and asks with those. */
const withRoom = (x: readonly number[], room: number) => (_plot: uPlot, low: number, high: number): [number, number] => {
  const only = x.length === 1 ? x[0] : undefined;
  return only === undefined ? [low, high] : [only - room, only + room];
};

/** Heights are compared with nothing at all: zero is always in view. */
const fromZero = (_plot: uPlot, low: number, high: number): [number, number] => [Math.min(0, low), Math.max(high, 0.01) * 1.06];

/** Canvas knows no custom properties: a colour is asked of an element that has it. */
function colourOf(host: HTMLElement, tone: Tone | "line"): string {
  host.style.color = `var(--${tone})`;
  const colour = getComputedStyle(host).color;
  host.style.color = "";
  return colour;
}

/** A chart of lines and dots over time; it fills its box and follows the page's colours. */
export default function Plot({ label, x, isTime, lines, format, formatX }: Props) {
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const dotPx = Math.max(LEAST_DOT_PX, DOT_PX * Math.min(1, Math.sqrt(ROOMY / Math.max(1, x.length))));
    let plot: uPlot | null = null;
    const size = () => ({ width: host.clientWidth, height: host.clientHeight });
    const draw = () => {
      plot?.destroy();
      const axis = { stroke: colourOf(host, "mute"), grid: { stroke: colourOf(host, "line"), width: 1 }, ticks: { show: false }, font: "15px sans-serif" };
      plot = new uPlot(
        {
          ...size(),
          legend: { show: false },
          cursor: { show: false },
          scales: { x: { time: isTime, range: withRoom(x, isTime ? HOUR_S : 1) }, y: { range: fromZero } },
          axes: [{ ...axis, size: 34, space: 90, values: (_plot, ticks) => ticks.map(formatX) }, { ...axis, size: 74, values: (_plot, ticks) => ticks.map(format) }],
          series: [
            {},
            ...lines.map(({ tone, look }) => {
              const stroke = colourOf(host, tone);
              return {
                stroke,
                width: look === "dots" ? 0 : 3,
                ...(look === "dashed" && { dash: [8, 6] }),
                points: { show: look === "dots" || look === "both", size: look === "dots" ? dotPx : 8, fill: stroke, stroke },
              };
            }),
          ],
        },
        [x, ...lines.map(({ values }) => values)],
        host,
      );
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize(size()));
    resized.observe(host);
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      themed.disconnect();
      system.removeEventListener("change", draw);
      plot?.destroy();
    };
  }, [x, isTime, lines, format, formatX]);

  return <div ref={box} className="plot" role="img" aria-label={label} />;
}
