import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useRecipes } from "../api/queries";
import { EVERYTHING, exportUrl, type Wanted } from "../api/search";

const VERDICTS = ["OK", "NotOK", "NotDecidable"] as const;

interface Props {
  wanted: Wanted;
  onChange: (wanted: Wanted) => void;
}

/** What to look for. A scanner fills in the serial wherever the focus is. */
export function Filters({ wanted, onChange }: Props) {
  const { t } = useTranslation();
  const recipes = useRecipes().data ?? [];
  const set = (name: keyof Wanted) => (event: { target: { value: string } }) => onChange({ ...wanted, [name]: event.target.value });
  return (
    <form className="filters" role="search" aria-label={t("search.label")} onSubmit={(event) => event.preventDefault()}>
      {(["serial", "lot"] as const).map((name) => (
        <label key={name} className="field">
          <span>{t(`search.${name}`)}</span>
          <input value={wanted[name]} maxLength={100} autoComplete="off" spellCheck={false} placeholder={t("search.any")} onChange={set(name)} />
        </label>
      ))}
      <label className="field">
        <span>{t("search.verdict")}</span>
        <select value={wanted.evaluation} onChange={set("evaluation")}>
          <option value="">{t("search.any")}</option>
          {VERDICTS.map((name) => (
            <option key={name} value={name}>
              {t(`history.${name}`)}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t("app.recipe")}</span>
        <select value={wanted.recipe} onChange={set("recipe")}>
          <option value="">{t("search.any")}</option>
          {recipes.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {(["from", "to"] as const).map((name) => (
        <label key={name} className="field">
          <span>{t(`search.${name}`)}</span>
          <input type="date" value={wanted[name]} onChange={set(name)} />
        </label>
      ))}
      <Button className="tool" isDisabled={wanted === EVERYTHING} onPress={() => onChange(EVERYTHING)}>
        {t("search.clear")}
      </Button>
      <a className="tool" href={exportUrl(wanted)} download>
        {t("search.export")}
      </a>
    </form>
  );
}
