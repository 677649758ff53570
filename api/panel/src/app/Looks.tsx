import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { switchLanguage } from "../i18n";
import { useTheme } from "./theme";

/** Each language by its own name. */
const LANGUAGES = [["en", "English"], ["zh", "中文"]] as const;
const THEMES = ["light", "dark"] as const;

/** Language and colours; this browser keeps them. */
export function Looks() {
  const { t, i18n } = useTranslation();
  const { theme, toggle } = useTheme();
  return (
    <section className="card block">
      <h2>{t("looks.title")}</h2>
      <div className="row" role="group" aria-label={t("looks.language")}>
        {LANGUAGES.map(([code, name]) => (
          <Button key={code} className={i18n.language === code ? "tool chosen" : "tool"} aria-pressed={i18n.language === code} onPress={() => switchLanguage(code)}>
            <span lang={code}>{name}</span>
          </Button>
        ))}
      </div>
      <div className="row" role="group" aria-label={t("looks.theme")}>
        {THEMES.map((one) => (
          <Button key={one} className={theme === one ? "tool chosen" : "tool"} aria-pressed={theme === one} onPress={() => one !== theme && toggle()}>
            {t(`app.${one}`)}
          </Button>
        ))}
      </div>
      <p className="lead">{t("looks.kept")}</p>
    </section>
  );
}
