import { useTranslation } from "react-i18next";

/** What the operator must know about everything else on the page. */
export function Banners({ isStale }: { isStale: boolean }) {
  const { t } = useTranslation();
  if (!isStale) return null;
  return (
    <div className="stale" role="alert">
      <strong>{t("app.stale")}</strong>
      <span>{t("app.staleDetail")}</span>
    </div>
  );
}
