import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useMe } from "../api/queries";
import { useImportRecipe, useSigningKey } from "../api/recipes";
import type { RecipeDetails } from "../api/schema";
import { Outcome } from "../app/Outcome";

/** A recipe with its model as one signed file: to another station, or from one. */
export function Archive({ recipe, onImported }: { recipe: RecipeDetails; onImported: (name: string) => void }) {
  const { t } = useTranslation();
  const isAdmin = useMe().data?.role === "admin";
  const key = useSigningKey();
  const take = useImportRecipe();
  const [file, setFile] = useState<File | null>(null);
  return (
    <section className="card block" data-testid="archive">
      <h2>{t("archive.title")}</h2>
      <p className="lead">{t("archive.what")}</p>
      {recipe.model_id === null ? (
        <p>{t("archive.notTaught")}</p>
      ) : (
        <a className="tool" href={`/api/v1/recipes/${recipe.name}/archive`} download>
          {t("archive.export", { recipe: recipe.name, version: recipe.version })}
        </a>
      )}
      {key.data && (
        <p>
          {t("archive.key")} <code className="code">{key.data.fingerprint}</code>
        </p>
      )}
      {isAdmin ? (
        <div className="row">
          <label className="field">
            <span>{t("archive.file")}</span>
            <input type="file" accept=".zip,application/zip" onChange={(event) => setFile(event.target.files?.[0] ?? null)} />
          </label>
          <Button className="tool" isDisabled={!file || take.isPending} onPress={() => file && take.mutate(file, { onSuccess: (taken) => onImported(taken.recipe) })}>
            {take.isPending ? t("archive.importing") : t("archive.import")}
          </Button>
        </div>
      ) : (
        <p>{t("archive.adminOnly")}</p>
      )}
      <Outcome action={take} done={take.data && t("archive.imported", { recipe: take.data.recipe, version: take.data.version, origin: t(`archive.origin.${take.data.origin}`) })} />
    </section>
  );
}
