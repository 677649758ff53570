import { useTranslation } from "react-i18next";
import type { BankScore } from "../api/schema";
import { useFormat } from "../app/format";

const BANKS = ["rgb", "pseudo3d", "fused"] as const;
/** The bars end at twice the limit, so that the limit stands in the middle. */
const FULL_SCALE = 2;

interface Props {
  banks: readonly BankScore[];
  /** Whether a bank above its limit is to be coloured. */
  isAbnormal: boolean;
}

/** Which of the three modalities saw it: score over limit. */
export function BankBars({ banks, isAbnormal }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className="banks" role="list" aria-label={t("bank.label")}>
      {BANKS.map((name) => {
        const bank = banks.find((candidate) => candidate.name === name);
        const ratio = bank && bank.limit > 0 ? bank.score / bank.limit : null;
        const share = Math.min(Math.max(ratio ?? 0, 0), FULL_SCALE) / FULL_SCALE;
        const isOver = isAbnormal && ratio !== null && ratio >= 1;
        return (
          <div key={name} className={isOver ? "bank bank-over" : "bank"} role="listitem">
            <span>{t(`bank.${name}`)}</span>
            <span className="track" aria-hidden="true">
              <span className="fill" style={{ width: `${share * 100}%` }} />
              <span className="limit" />
            </span>
            <span className="ratio">
              <span aria-hidden="true">{ratio === null ? "–" : format.two(ratio)}</span>
              {ratio !== null && <span className="sr-only">{t("bank.value", { ratio: format.two(ratio) })}</span>}
            </span>
          </div>
        );
      })}
      <p className="bank-legend" aria-hidden="true">
        <span>{t("bank.limit")}</span>
      </p>
    </div>
  );
}
