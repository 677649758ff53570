import { useTranslation } from "react-i18next";
import type { Bin } from "../api/schema";
import { useFormat } from "../app/format";

const KINDS = ["taught", "good", "unreviewed", "bad"] as const;
const WIDTH = 600;
const HEIGHT = 220;

interface Props {
  bins: readonly Bin[];
  highest: number;
  present: number;
  tried: number;
}

/** How many parts have which score: those it was taught from (each scored by a model that had not seen it), and those inspected. */
export function Histogram({ bins, highest, present, tried }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const lowest = Math.min(0, ...bins.map(({ low }) => low));
  const x = (score: number) => ((score - lowest) / (highest - lowest)) * WIDTH;
  const tallest = Math.max(1, ...bins.map((bin) => KINDS.reduce((sum, kind) => sum + bin[kind], 0)));
  return (
    <figure className="histogram">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t("threshold.histogram", { present: format.two(present), tried: format.two(tried) })}>
        {bins.map((bin) => {
          let below = 0;
          return KINDS.map((kind) => {
            const height = (bin[kind] / tallest) * (HEIGHT - 10);
            below += height;
            return bin[kind] > 0 && <rect key={`${bin.low} ${kind}`} className={`bin-${kind}`} x={x(bin.low)} width={Math.max(x(bin.high) - x(bin.low) - 1, 1)} y={HEIGHT - below} height={height} />;
          });
        })}
        <line className="limit-now" x1={x(present)} x2={x(present)} y1={0} y2={HEIGHT} />
        <line className="limit-tried" x1={x(tried)} x2={x(tried)} y1={0} y2={HEIGHT} />
      </svg>
      <figcaption>
        {KINDS.map((kind) => (
          <span key={kind}>
            <i className={`bin-${kind}`} />
            {t(`threshold.${kind}`)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
