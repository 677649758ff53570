import type { Point, Size } from "./view";

const CROSS = "M-26 0h20m12 0h20M0-26v20m0 12v20";
const NAMES = ["A", "B"] as const;

/** The cross in the middle of the canvas, and the marked points with the line between them. */
export function Marks({ frame, marks }: { frame: Size; marks: readonly Point[] }) {
  const [a, b] = marks;
  return (
    <svg className="overlay" width={frame.width} height={frame.height} aria-hidden="true">
      {a && b && <path className="halo" d={`M${a.x} ${a.y}L${b.x} ${b.y}`} />}
      {a && b && <path d={`M${a.x} ${a.y}L${b.x} ${b.y}`} />}
      {marks.map((mark, at) => (
        <g key={at} className="mark-point" transform={`translate(${mark.x} ${mark.y})`}>
          <circle className="halo" r="7" />
          <circle r="7" />
          <text x="12" y="-10">
            {NAMES[at]}
          </text>
        </g>
      ))}
      <g className="cross" transform={`translate(${frame.width / 2} ${frame.height / 2})`}>
        <path className="halo" d={CROSS} />
        <path d={CROSS} />
      </g>
    </svg>
  );
}
