import { useTranslation } from "react-i18next";
import type { InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";

interface Props {
  items: readonly InspectionSummary[];
  thrownOut: ReadonlySet<string>;
  onToggle: (id: string) => void;
}

/** The parts that it would be taught from, the highest score first: a bad part among them teaches that bad is good. */
export function Candidates({ items, thrownOut, onToggle }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  if (items.length === 0) return <p>{t("teach.noCandidates")}</p>;
  return (
    <ol className="candidates" aria-label={t("teach.candidates")}>
      {items.map((item) => (
        <li key={item.id}>
          <button type="button" aria-pressed={!thrownOut.has(item.id)} onClick={() => onToggle(item.id)}>
            {item.thumbnail_url ? <img src={item.thumbnail_url} alt="" width={96} height={64} /> : <span className="no-picture" />}
            <b>{item.serial ?? format.time(item.created)}</b>
            <span>{item.score === null ? "–" : format.two(item.score)}</span>
            <span>{thrownOut.has(item.id) ? t("teach.out") : t("teach.in")}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
