import { useTranslation } from "react-i18next";

/** The lot that parts belong to from now on. */
export function LotField({ value, onChange }: { value: string; onChange: (lot: string) => void }) {
  const { t } = useTranslation();
  return (
    <label className="field lot">
      <span>{t("app.lot")}</span>
      <input value={value} maxLength={100} autoComplete="off" spellCheck={false} placeholder={t("app.lotHint")} onChange={(event) => onChange(event.target.value)} />
    </label>
  );
}
