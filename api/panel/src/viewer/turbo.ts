/**
 * The colours of heights, from blue (low) over green to red (high): Turbo, which the service colours the depth picture with, at every
 * fifteenth of its 256 steps. Between these, straight lines are within 6/255 of it.
 */
const STOPS = [
  0x30123b, 0x3f3e9c, 0x4666dd, 0x458cfd, 0x2fb2f4, 0x1ad4d0, 0x22ebaa, 0x52fa7a, 0x8bff4b,
  0xb7f735, 0xdbe236, 0xf5c53a, 0xfea130, 0xf9751d, 0xe84b0c, 0xce2d04, 0xa91601, 0x7a0403,
] as const;

const LAST = STOPS.length - 1;

/** Red, green, blue from 0 to 255 of a share from 0 to 1. */
export function turbo(share: number): [red: number, green: number, blue: number] {
  const place = Math.min(1, Math.max(0, share)) * LAST;
  const at = Math.min(LAST - 1, Math.floor(place));
  const [from, to] = [STOPS[at]!, STOPS[at + 1]!];
  const channel = (shift: number) => Math.round(((from >> shift) & 255) * (1 - place + at) + ((to >> shift) & 255) * (place - at));
  return [channel(16), channel(8), channel(0)];
}

export const TURBO_GRADIENT = `linear-gradient(to right, ${STOPS.map((stop) => `#${stop.toString(16).padStart(6, "0")}`).join(", ")})`;
