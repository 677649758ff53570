/** The part's points as the service quantises them; docs/mes.md has the layout. Positions are mm in the rig frame. */
export interface Cloud {
  readonly count: number;
  /** Points of the whole cloud, of which these may be a part. */
  readonly all: number;
  /** x, y, z of every point. */
  readonly xyz: Float32Array;
  /** row · width of the picture + column of every point, rising. */
  readonly pixel: Uint32Array;
  /** σ of z in hundredths of a micrometre; 65535 where it is not known. */
  readonly sigma: Uint16Array;
  /** Red, green, blue of every point. */
  readonly rgb: Uint8Array;
  /** 85 is the limit, 255 three times the limit or more. */
  readonly anomaly: Uint8Array;
}

export interface Point3 {
  x: number;
  y: number;
  z: number;
}

const HEADER_BYTES = 40;
const BYTES_A_POINT = 16;
const MAGIC = 0x43503344; // "D3PC", read as a little-endian number
const VERSION = 2;
const SIGMA_UNKNOWN = 65535;
const ANOMALY_AT_LIMIT = 85;
export const MOST_ANOMALY = 3;

/** Reads a cloud. Throws where it is of another layout. */
export function cloudOf(content: ArrayBuffer): Cloud {
  const head = new DataView(content);
  if (content.byteLength < HEADER_BYTES || head.getUint32(0, true) !== MAGIC || head.getUint32(4, true) !== VERSION) throw new Error("not a cloud of version 2");
  const count = head.getUint32(8, true);
  if (content.byteLength !== HEADER_BYTES + BYTES_A_POINT * count) throw new Error("the cloud is cut short");
  const least = [16, 20, 24].map((at) => head.getFloat32(at, true)) as [number, number, number];
  const size = [28, 32, 36].map((at) => head.getFloat32(at, true)) as [number, number, number];
  const steps = new Uint16Array(content, HEADER_BYTES + 4 * count, 3 * count);
  const xyz = new Float32Array(3 * count);
  for (let at = 0; at < xyz.length; at += 3) {
    xyz[at] = least[0] + (size[0] * steps[at]!) / 65535;
    xyz[at + 1] = least[1] + (size[1] * steps[at + 1]!) / 65535;
    xyz[at + 2] = least[2] + (size[2] * steps[at + 2]!) / 65535;
  }
  return {
    count,
    all: head.getUint32(12, true),
    xyz,
    pixel: new Uint32Array(content, HEADER_BYTES, count),
    sigma: new Uint16Array(content, HEADER_BYTES + 10 * count, count),
    rgb: new Uint8Array(content, HEADER_BYTES + 12 * count, 3 * count),
    anomaly: new Uint8Array(content, HEADER_BYTES + 15 * count, count),
  };
}

export function pointAt(cloud: Cloud, index: number): Point3 {
  return { x: cloud.xyz[3 * index]!, y: cloud.xyz[3 * index + 1]!, z: cloud.xyz[3 * index + 2]! };
}

/** σ of a point's z, µm; null where it is not known. */
export function sigmaUm(cloud: Cloud, index: number): number | null {
  const value = cloud.sigma[index]!;
  return value === SIGMA_UNKNOWN ? null : value / 100;
}

/** The anomaly map at a point; 1 is the limit, and 3 may also be more. */
export function anomalyAt(cloud: Cloud, index: number): number {
  return cloud.anomaly[index]! / ANOMALY_AT_LIMIT;
}

/** First index whose pixel is not below `pixel`. */
function lowerBound(pixels: Uint32Array, pixel: number): number {
  let [low, high] = [0, pixels.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pixels[middle]! < pixel) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The point whose pixel is nearest to a place in the picture, at most `reachPx` away; -1 where there is none. */
export function nearestToPixel(cloud: Cloud, width: number, column: number, row: number, reachPx: number): number {
  let [best, bestSquare] = [-1, (reachPx + 0.5) ** 2];
  for (let r = Math.max(0, row - reachPx); r <= row + reachPx; r++) {
    const left = r * width + Math.max(0, column - reachPx);
    const right = r * width + Math.min(width - 1, column + reachPx);
    for (let at = lowerBound(cloud.pixel, left); at < cloud.count && cloud.pixel[at]! <= right; at++) {
      const square = (cloud.pixel[at]! - r * width - column) ** 2 + (r - row) ** 2;
      if (square < bestSquare) [best, bestSquare] = [at, square];
    }
  }
  return best;
}

/** How far apart the pixels of neighbouring points are: more than one where the cloud is thinned. */
export function spacingPx(cloud: Cloud): number {
  return Math.sqrt(Math.max(1, cloud.all / Math.max(1, cloud.count)));
}

/** The heights that the colours of the cloud begin and end at: half a per cent of its points is left out at each end, as in the depth picture. */
export function heightRange(cloud: Cloud): [low: number, high: number] {
  const z = new Float32Array(cloud.count);
  for (let at = 0; at < z.length; at++) z[at] = cloud.xyz[3 * at + 2]!;
  z.sort();
  const quantile = (share: number) => z[Math.round(share * (z.length - 1))] ?? 0;
  return [quantile(0.005), quantile(0.995)];
}
