import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useRollBack, useVersions } from "../api/recipes";
import type { RecipeDetails } from "../api/schema";
import { useFormat } from "../app/format";
import { Outcome } from "../app/Outcome";

/** What was changed, by whom and why; any of it can be had back. */
export function Versions({ recipe }: { recipe: RecipeDetails }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [note, setNote] = useState("");
  const versions = useVersions(recipe.name);
  const back = useRollBack(recipe.name);
  return (
    <section className="card block" data-testid="versions">
      <h2>{t("versions.title")}</h2>
      <label className="field">
        <span>{t("teach.note")}</span>
        <input value={note} maxLength={400} onChange={(event) => setNote(event.target.value)} />
      </label>
      <div className="scroll" tabIndex={0} role="region" aria-label={t("versions.title")}>
        <table className="table">
          <thead>
            <tr>
              <th>{t("versions.version")}</th>
              <th>{t("versions.when")}</th>
              <th>{t("versions.by")}</th>
              <th>{t("versions.note")}</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {versions.data?.map((version) => (
              <tr key={version.version}>
                <td>{version.version}</td>
                <td>{version.created && `${format.date(version.created)} ${format.time(version.created)}`}</td>
                <td>{version.by}</td>
                <td>{version.note}</td>
                <td className="actions">
                  {version.version === recipe.version ? (
                    <b>{t("versions.now")}</b>
                  ) : (
                    version.version > 0 && (
                      <Button className="tool" isDisabled={note.trim() === "" || back.isPending} onPress={() => back.mutate({ version: version.version, note: note.trim() })}>
                        {t("versions.back")}
                      </Button>
                    )
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Outcome action={back.error ? back : versions} />
    </section>
  );
}
