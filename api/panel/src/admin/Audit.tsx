import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useAudit } from "../api/people";
import { useFormat } from "../app/format";
import { Outcome } from "../app/Outcome";

/** Every change, who made it and how they proved who they are. The chain of digests is checked by `d3station db check`. */
export function Audit() {
  const { t } = useTranslation();
  const format = useFormat();
  const audit = useAudit();
  return (
    <section className="card block">
      <h2>{t("admin.audit")}</h2>
      <Outcome action={audit} />
      <div className="scroll" tabIndex={0} role="region" aria-label={t("admin.audit")}>
        <table className="table">
          <thead>
            <tr>
              <th className="number">{t("audit.number")}</th>
              <th>{t("audit.when")}</th>
              <th>{t("audit.who")}</th>
              <th>{t("audit.what")}</th>
              <th>{t("audit.target")}</th>
            </tr>
          </thead>
          <tbody>
            {audit.data?.pages.flatMap((page) => page.items).map((entry) => (
              <tr key={entry.sequence}>
                <td className="number">{entry.sequence}</td>
                <td>{format.date(entry.moment)} {format.time(entry.moment)}</td>
                <td>{entry.actor} ({entry.actor_kind})</td>
                <td><code>{entry.action}</code></td>
                <td>{entry.target}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {audit.hasNextPage && (
        <Button className="tool" isDisabled={audit.isFetchingNextPage} onPress={() => void audit.fetchNextPage()}>
          {t("search.more")}
        </Button>
      )}
    </section>
  );
}
