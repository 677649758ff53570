import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Recipe } from "../api/schema";
import { SignOut } from "./SignOut";
import { ToolButtons } from "./ToolButtons";

// The list of choices is the heaviest thing in the head; the page need not wait for it.
const RecipeSelect = lazy(() => import("./RecipeSelect"));

interface Props {
  station: string;
  isSimulated: boolean;
  recipes: readonly Recipe[];
  recipe: Recipe | undefined;
  onRecipe: (name: string) => void;
  lot: string;
  onLot: (lot: string) => void;
  /** More fields beside the lot. */
  children: ReactNode;
}

/** Where one is and what is being made. */
export function Header({ station, isSimulated, recipes, recipe, onRecipe, lot, onLot, children }: Props) {
  const { t } = useTranslation();
  return (
    <header className="head">
      <h1>{station || t("app.title")}</h1>
      <Suspense fallback={<div className="field recipe" />}>
        <RecipeSelect recipes={recipes} recipe={recipe} onChange={onRecipe} />
      </Suspense>
      <label className="field lot">
        <span>{t("app.lot")}</span>
        <input value={lot} maxLength={100} autoComplete="off" spellCheck={false} placeholder={t("app.lotHint")} onChange={(event) => onLot(event.target.value)} />
      </label>
      {children}
      {isSimulated && <strong className="simulated">{t("app.simulated")}</strong>}
      <div className="tools-right">
        <ToolButtons />
        <SignOut />
      </div>
    </header>
  );
}
