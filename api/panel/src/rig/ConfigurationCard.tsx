import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useConfiguration, useReload } from "../api/rig";
import { Outcome } from "../app/Outcome";
import { reasonCure } from "../i18n/reason";
import { Yaml } from "./Yaml";

/** rig.yaml as it lies on the station: whether it could be used, and what reading it again would change. */
export function ConfigurationCard() {
  const { t } = useTranslation();
  const configuration = useConfiguration();
  const reload = useReload();
  const found = configuration.data;
  return (
    <section className="card block wide">
      <h2>
        {t("configuration.title")} <small>{found?.file}</small>
      </h2>
      {found?.reason && (
        <p className="problem">
          <strong>{t("configuration.invalid")}</strong> {found.problems.length === 0 && <span lang="en">{found.reason.message}</span>} {reasonCure(found.reason)} <code>{found.reason.code}</code>
        </p>
      )}
      {found?.is_valid && <p>{found.differences.length ? t("configuration.differs", { count: found.differences.length }) : t("configuration.same")}</p>}
      {!!found?.differences.length && (
        <table className="table">
          <thead>
            <tr>
              <th>{t("configuration.path")}</th>
              <th>{t("configuration.inUse")}</th>
              <th>{t("configuration.inFile")}</th>
            </tr>
          </thead>
          <tbody>
            {found.differences.map((item) => (
              <tr key={item.path}>
                <td><code>{item.path}</code></td>
                <td><code>{item.in_use}</code></td>
                <td><code>{item.in_file}</code></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="row">
        <Button className="tool" onPress={() => void configuration.refetch()}>
          {t("configuration.look")}
        </Button>
        <Button className="tool" isDisabled={!found?.is_valid || reload.isPending} onPress={() => reload.mutate(undefined)}>
          {t("configuration.reload")}
        </Button>
      </div>
      <Outcome action={reload.error ? reload : configuration.error ? configuration : reload} done={t("configuration.reloaded")} />
      {found && (
        <details open={found.problems.length > 0}>
          <summary>{t("configuration.text")}</summary>
          <Yaml text={found.text} problems={found.problems} />
        </details>
      )}
    </section>
  );
}
