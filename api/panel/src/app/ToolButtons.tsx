import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { switchLanguage } from "../i18n";
import { MoonIcon, SunIcon } from "./icons";
import { useTheme } from "./theme";

/** Language and colours, on every page. */
export function ToolButtons() {
  const { t } = useTranslation();
  const { theme, toggle } = useTheme();
  const code = t("app.languageCode");
  return (
    <div className="tools">
      <Button className="tool" aria-label={t("app.languageLabel")} onPress={() => switchLanguage(code)}>
        <span lang={code}>{t("app.language")}</span>
      </Button>
      <Button className="tool" aria-label={theme === "dark" ? t("app.light") : t("app.dark")} onPress={toggle}>
        {theme === "dark" ? <SunIcon /> : <MoonIcon />}
      </Button>
    </div>
  );
}
