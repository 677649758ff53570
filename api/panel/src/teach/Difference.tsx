import { useTranslation } from "react-i18next";
import type { RecipeDetails, RecipeVersion } from "../api/schema";
import { ListTable } from "../app/ListTable";

const FIELDS = ["product", "sequence", "ignore", "policy", "model_id", "threshold"] as const;

/** In what an earlier version differs from the present one. */
export function Difference({ then, now }: { then: RecipeVersion; now: RecipeDetails }) {
  const { t } = useTranslation();
  const before = flat(then);
  const after = flat(now);
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
  if (paths.length === 0) return <p role="status">{t("versions.same", { version: then.version })}</p>;
  return (
    <ListTable label={t("versions.difference", { version: then.version })} heads={[t("configuration.path"), t("versions.then", { version: then.version }), t("versions.now")]}>
      {paths.map((path) => (
        <tr key={path}>
          <td><code>{path}</code></td>
          <td><code>{before.get(path) ?? "–"}</code></td>
          <td><code>{after.get(path) ?? "–"}</code></td>
        </tr>
      ))}
    </ListTable>
  );
}

/** Every setting that has a value, as JSON. */
function flat(version: RecipeVersion): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (path: string, value: unknown): void => {
    if (value === null || value === undefined || value === "") return;
    if (Array.isArray(value)) value.forEach((item: unknown, index) => walk(`${path}[${index}]`, item));
    else if (typeof value === "object") Object.entries(value).forEach(([name, item]) => walk(`${path}.${name}`, item));
    else found.set(path, JSON.stringify(value));
  };
  for (const field of FIELDS) walk(field, version[field]);
  return found;
}
