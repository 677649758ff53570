import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRecipes, useRigState } from "../api/queries";
import { useRecipe } from "../api/recipes";
import { useTasks } from "../api/tasks";
import { Header } from "../app/Header";
import { Outcome } from "../app/Outcome";
import { TaskCard } from "../app/TaskCard";
import "../i18n/more";
import { Archive } from "./Archive";
import { Models } from "./Models";
import { NewRecipe } from "./NewRecipe";
import { RecipeEditor } from "./RecipeEditor";
import { TaughtParts } from "./TaughtParts";
import "./teach.css";
import { TeachForm } from "./TeachForm";
import { ThresholdCard } from "./ThresholdCard";
import { Versions } from "./Versions";

/** From good parts to a model that judges; then where its limit lies, and back again. */
export default function TeachPage() {
  const { t } = useTranslation();
  const recipes = useRecipes().data ?? [];
  const rig = useRigState().data;
  const [chosen, setChosen] = useState<string | null>(null);
  const name = chosen ?? rig?.recipe ?? recipes.find((recipe) => recipe.model_id)?.name ?? recipes[0]?.name ?? "";
  const recipe = useRecipe(name);
  const task = useTasks().data?.find((candidate) => candidate.kind === "teach" && candidate.recipe === name);

  return (
    <div className="page">
      <Header title={t("nav.teach")}>
        <label className="field recipe">
          <span>{t("app.recipe")}</span>
          <select value={name} onChange={(event) => setChosen(event.target.value)}>
            {recipes.map((candidate) => (
              <option key={candidate.name}>{candidate.name}</option>
            ))}
          </select>
        </label>
        {recipe.data && (
          <p className="armed-for">
            {t("teach.version", { version: recipe.data.version })}
            <b>{recipe.data.model_id ?? t("app.notTaught")}</b>
          </p>
        )}
      </Header>
      <main className="sheet two">
        {recipe.error && <Outcome action={recipe} />}
        {task && <TaskCard task={task} />}
        {name && <TeachForm key={`teach ${name}`} recipe={name} scanned={recipe.data?.scanned ?? 0} task={task} />}
        {recipe.data?.judged_at != null && <ThresholdCard key={`${name} ${recipe.data.version}`} recipe={recipe.data} present={recipe.data.judged_at} />}
        {recipe.data && <Models recipe={recipe.data} />}
        {recipe.data && <Versions key={`versions ${name}`} recipe={recipe.data} />}
        {recipe.data?.model_id && <TaughtParts key={recipe.data.model_id} recipe={name} modelId={recipe.data.model_id} />}
        {recipe.data && <RecipeEditor key={`edit ${name} ${recipe.data.version}`} recipe={recipe.data} />}
        {recipe.data && <Archive recipe={recipe.data} onImported={setChosen} />}
        <NewRecipe onCreated={setChosen} />
      </main>
    </div>
  );
}
