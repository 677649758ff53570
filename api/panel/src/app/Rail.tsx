import { useTranslation } from "react-i18next";
import { PersonIcon } from "./icons";
import type { pagesOf } from "./pages";
import { hashOf } from "./route";
import { ToolButtons } from "./ToolButtons";

interface Props {
  pages: ReturnType<typeof pagesOf>;
  current: string | undefined;
}

/** The way to the other pages: always in the same place, beside the page where it is wide, above it where it is narrow. */
export function Rail({ pages, current }: Props) {
  const { t } = useTranslation();
  const isCurrent = (name: string) => (name === current ? "page" : undefined);
  return (
    <nav className="rail" aria-label={t("nav.label")}>
      {pages.map(({ name, Icon }) => (
        <a key={name} href={hashOf(name)} aria-current={isCurrent(name)}>
          <Icon />
          {t(`nav.${name}`)}
        </a>
      ))}
      <div className="rail-foot">
        <ToolButtons />
        <a href={hashOf("account")} aria-current={isCurrent("account")}>
          <PersonIcon />
          {t("nav.account")}
        </a>
      </div>
    </nav>
  );
}
