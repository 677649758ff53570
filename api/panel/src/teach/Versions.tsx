import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useRollBack, useVersions } from "../api/recipes";
import type { RecipeDetails } from "../api/schema";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { Difference } from "./Difference";

/** What was changed, by whom and why; any of it can be had back. */
export function Versions({ recipe }: { recipe: RecipeDetails }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [note, setNote] = useState("");
  const [compared, setCompared] = useState<number | null>(null);
  const versions = useVersions(recipe.name);
  const back = useRollBack(recipe.name);
  const then = versions.data?.find(({ version }) => version === compared);
  return (
    <section className="card block" data-testid="versions">
      <h2>{t("versions.title")}</h2>
      <label className="field">
        <span>{t("teach.note")}</span>
        <input value={note} maxLength={400} onChange={(event) => setNote(event.target.value)} />
      </label>
      {then && <Difference then={then} now={recipe} />}
      <ListTable label={t("versions.title")} heads={[t("versions.version"), t("versions.when"), t("versions.by"), t("versions.note"), ""]}>
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
                <Button className="tool" aria-label={t("versions.compareOf", { version: version.version })} aria-expanded={compared === version.version} onPress={() => setCompared(compared === version.version ? null : version.version)}>
                  {t("versions.compare")}
                </Button>
              )}{" "}
              {version.version !== recipe.version && (
                version.version > 0 && (
                  <Button className="tool" isDisabled={note.trim() === "" || back.isPending} onPress={() => back.mutate({ version: version.version, note: note.trim() })}>
                    {t("versions.back")}
                  </Button>
                )
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      <Outcome action={back.error ? back : versions} />
    </section>
  );
}
