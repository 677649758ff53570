/** The service's overlay is clear below this many times the limit and opaque from the other on: alpha² rises evenly between. */
export const MAP_FROM = 0.7;
export const MAP_TO = 3;
const STEPS = 256;

/** Opacity of the overlay, from 0 to 1, where the map is so many times the limit. */
const alphaAt = (ratio: number) => Math.sqrt(Math.min(1, Math.max(0, (ratio - MAP_FROM) / (MAP_TO - MAP_FROM))));

/** A filter that clears the overlay below so many times the limit and leaves the rest as it is. */
export function MapLimitFilter({ id, ratio }: { id: string; ratio: number }) {
  const from = alphaAt(ratio);
  const table = Array.from({ length: STEPS }, (_, step) => (step / (STEPS - 1) < from ? "0" : (step / (STEPS - 1)).toFixed(4)));
  return (
    <svg className="sr-only" aria-hidden="true">
      <filter id={id} x="0" y="0" width="1" height="1" colorInterpolationFilters="sRGB">
        <feComponentTransfer>
          <feFuncA type="table" tableValues={table.join(" ")} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}
