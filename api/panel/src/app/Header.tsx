import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRigState } from "../api/queries";

interface Props {
  /** What the page is; the station's name where the page is the station's own. */
  title?: string;
  children?: ReactNode;
}

/** Where one is, and what the page is about. */
export function Header({ title, children }: Props) {
  const { t } = useTranslation();
  const rig = useRigState().data;
  const station = rig?.station || t("app.title");
  return (
    <header className="head">
      <h1>
        {title ?? station}
        {title && <small>{station}</small>}
      </h1>
      {children}
      {rig?.is_simulated && <strong className="simulated">{t("app.simulated")}</strong>}
    </header>
  );
}
