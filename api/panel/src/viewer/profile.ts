import { type Cloud, type Point3, pointAt } from "./cloud";

/** Height along a line: `z_mm` is NaN where no point lies near. */
export interface Profile {
  lengthMm: number;
  z: Float64Array;
  low: number;
  high: number;
}

const MOST_STEPS = 240;
/** Half the width of the strip whose points are averaged, in distances between neighbouring points. */
const HALF_WIDTH = 1.5;
const FEWEST_STEPS = 3;

/**
 * Section of the cloud from one point to another: the mean height of the points in a narrow strip along the line on the plane.
 *
 * @param spacingMm distance between neighbouring points.
 * @returns null where the two are too near to each other, or too few points lie between them.
 */
export function profileBetween(cloud: Cloud, from: number, to: number, spacingMm: number): Profile | null {
  const a = pointAt(cloud, from);
  const b = pointAt(cloud, to);
  const lengthMm = Math.hypot(b.x - a.x, b.y - a.y);
  const steps = Math.min(MOST_STEPS, Math.floor(lengthMm / spacingMm));
  if (steps < FEWEST_STEPS) return null;
  const along = { x: (b.x - a.x) / lengthMm, y: (b.y - a.y) / lengthMm };
  const sum = new Float64Array(steps);
  const points = new Uint32Array(steps);
  for (let at = 0; at < cloud.xyz.length; at += 3) {
    const x = cloud.xyz[at]! - a.x;
    const y = cloud.xyz[at + 1]! - a.y;
    if (Math.abs(x * along.y - y * along.x) > HALF_WIDTH * spacingMm) continue;
    const step = Math.floor(((x * along.x + y * along.y) / lengthMm) * steps);
    if (step < 0 || step >= steps) continue;
    sum[step]! += cloud.xyz[at + 2]!;
    points[step]!++;
  }
  const z = sum.map((total, step) => total / points[step]!); // nothing over nothing is NaN
  const known = z.filter((height) => !Number.isNaN(height));
  if (known.length < FEWEST_STEPS) return null;
  return { lengthMm, z, low: Math.min(...known), high: Math.max(...known) };
}

/** x, y, z and length of the way from one point to another, mm. */
export function difference(a: Point3, b: Point3): Point3 & { distance: number } {
  const [x, y, z] = [b.x - a.x, b.y - a.y, b.z - a.z];
  return { x, y, z, distance: Math.hypot(x, y, z) };
}
