import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useActivate } from "../api/recipes";
import type { RecipeDetails } from "../api/schema";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

/** The models of a recipe; one of them judges. */
export function Models({ recipe }: { recipe: RecipeDetails }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [note, setNote] = useState("");
  const activate = useActivate(recipe.name);
  return (
    <section className="card block" data-testid="models">
      <h2>{t("models.title")}</h2>
      <label className="field">
        <span>{t("teach.note")}</span>
        <input value={note} maxLength={400} onChange={(event) => setNote(event.target.value)} />
      </label>
      <ListTable label={t("models.title")} heads={[t("models.model"), t("models.taught"), { number: t("models.parts") }, { number: t("models.threshold") }, ""]}>
        {recipe.models.map((model) => (
          <tr key={model.model_id}>
            <td>{model.model_id}</td>
            <td>{format.date(model.created)} {format.time(model.created)}</td>
            <td className="number">{model.taught_from}</td>
            <td className="number">{format.two(model.threshold)}</td>
            <td className="actions">
              {model.is_active ? (
                <b>{t("models.active")}</b>
              ) : (
                <Button className="tool" isDisabled={note.trim() === "" || activate.isPending} onPress={() => activate.mutate({ model_id: model.model_id, note: note.trim() })}>
                  {t("models.activate")}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      <Outcome action={activate} />
    </section>
  );
}
