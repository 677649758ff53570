import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useFormat } from "../app/format";
import { TURBO_GRADIENT } from "./turbo";

interface Ends {
  low_mm: number;
  high_mm: number;
}

/** Which colour of a depth picture is which height, as the service that coloured it tells. */
export function Legend({ url }: { url: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const ends = useQuery({
    queryKey: ["ends", url],
    queryFn: async ({ signal }) => {
      const answer = await fetch(url, { signal });
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
      return (await answer.json()) as Ends;
    },
    staleTime: Infinity,
    retry: 1,
  }).data;
  if (!ends) return null;
  const [low, high] = [format.two(ends.low_mm), format.two(ends.high_mm)];
  return (
    <div className="legend" role="img" aria-label={t("viewer.legend", { low, high })} data-testid="legend">
      <span aria-hidden="true">{low}</span>
      <span className="ramp" style={{ background: TURBO_GRADIENT }} />
      <span aria-hidden="true">{t("viewer.mm", { length: high })}</span>
    </div>
  );
}
