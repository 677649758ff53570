import type { Artifact, Inspection } from "../api/schema";

/** Pictures that the map can lie over. */
export const BASES = ["rgb", "pseudo3d", "depth"] as const;
export type Base = (typeof BASES)[number];
export type Tab = Base | "anomaly";
export const TABS: readonly Tab[] = [...BASES, "anomaly"];

const FILES: Record<Tab, string> = { rgb: "rgb.png", pseudo3d: "pseudo3d.png", depth: "depth.png", anomaly: "anomaly.png" };

export function urlOf(tab: Tab, artifacts: readonly Artifact[]): string | undefined {
  return artifacts.find((artifact) => artifact.name === FILES[tab])?.url;
}

/** An inspection that has pictures to show. */
export interface Pictured extends Inspection {
  width_px: number;
  height_px: number;
}

export function isPictured(detail: Inspection | undefined): detail is Pictured {
  return detail !== undefined && detail.width_px !== null && detail.height_px !== null && BASES.some((base) => urlOf(base, detail.artifacts));
}
