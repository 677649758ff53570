import { anomalyAt, type Cloud, heightRange, MOST_ANOMALY } from "./cloud";
import { MAP_FROM } from "./MapLimitFilter";
import { turbo } from "./turbo";

export const COLOURS = ["rgb", "height", "anomaly"] as const;
export type Colour = (typeof COLOURS)[number];

const SHADES = 256;

/** Red, green, blue of every point, 0 to 255. */
export function coloursOf(cloud: Cloud, colour: Colour): Uint8Array {
  if (colour === "rgb") return cloud.rgb;
  return colour === "height" ? heights(cloud) : anomalies(cloud);
}

function heights(cloud: Cloud): Uint8Array {
  const [low, high] = heightRange(cloud);
  const table = Array.from({ length: SHADES }, (_, shade) => turbo(shade / (SHADES - 1)));
  const colours = new Uint8Array(3 * cloud.count);
  for (let at = 0; at < colours.length; at += 3) {
    const share = (cloud.xyz[at + 2]! - low) / Math.max(high - low, 1e-6);
    colours.set(table[Math.round(Math.min(1, Math.max(0, share)) * (SHADES - 1))]!, at);
  }
  return colours;
}

/** Amber to red as the overlay of the pictures, over the part in grey. */
function anomalies(cloud: Cloud): Uint8Array {
  const colours = new Uint8Array(3 * cloud.count);
  for (let index = 0; index < cloud.count; index++) {
    const at = 3 * index;
    const grey = 0.3 * cloud.rgb[at]! + 0.6 * cloud.rgb[at + 1]! + 0.1 * cloud.rgb[at + 2]!;
    const strength = Math.max(0, (anomalyAt(cloud, index) - MAP_FROM) / (MOST_ANOMALY - MAP_FROM));
    const share = Math.sqrt(strength);
    colours[at] = grey + (255 - grey) * share;
    colours[at + 1] = grey + (190 * (1 - strength) - grey) * share;
    colours[at + 2] = grey + (40 - grey) * share;
  }
  return colours;
}
