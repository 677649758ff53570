import type { Artifact, Inspection } from "../api/schema";

/** Pictures that the map can lie over. The fused height is kept where the recipe's policy says so. */
export const BASES = ["rgb", "pseudo3d", "depth", "height"] as const;
export type Base = (typeof BASES)[number];
export type Layer = Base | "anomaly";
export type Tab = Layer | "cloud";
const LAYERS: readonly Layer[] = [...BASES, "anomaly"];

/** Up to here a browser is as quick with the whole picture as with its tiles. */
const LARGE_PX = 6_000_000;
/** Long side of an overview. */
export const OVERVIEW_PX = 1600;

const fileOf = (layer: Layer) => `${layer}.png`;

export function urlOf(layer: Layer, artifacts: readonly Artifact[]): string | undefined {
  return artifacts.find((artifact) => artifact.name === fileOf(layer))?.url;
}

/** A picture of a large part that fills a screen and no more; none of small parts, nor of old ones. */
export function overviewOf(layer: Layer, artifacts: readonly Artifact[]): string | undefined {
  return artifacts.find((artifact) => artifact.name.startsWith(`${layer}_overview.`))?.url;
}

/** Where the ends of a depth picture's colours are told. */
export function endsOf(layer: Layer, artifacts: readonly Artifact[]): string | undefined {
  return artifacts.find((artifact) => artifact.name === `${layer}.json`)?.url;
}

export function hasCloud(artifacts: readonly Artifact[]): boolean {
  return artifacts.some((artifact) => artifact.name === "xyz.tiff");
}

/** The tabs of an inspection: those of every part, and the height where it was kept. */
export function tabsOf(artifacts: readonly Artifact[]): Tab[] {
  return [...LAYERS.filter((layer) => layer !== "height" || urlOf("height", artifacts)), "cloud"];
}

/** An inspection that has pictures to show. */
export interface Pictured extends Inspection {
  width_px: number;
  height_px: number;
}

export function isPictured(detail: Inspection | undefined): detail is Pictured {
  return detail !== undefined && detail.width_px !== null && detail.height_px !== null && BASES.some((base) => urlOf(base, detail.artifacts));
}

export const isLarge = (detail: Pictured) => detail.width_px * detail.height_px > LARGE_PX;

/** Where the service says how it cuts a picture into tiles. */
export const tilesOf = (detail: Pictured, layer: Layer) => `/api/v1/inspections/${detail.id}/tiles/${layer}.dzi`;
