import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useAudit } from "../api/people";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
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
      <ListTable label={t("admin.audit")} heads={[{ number: t("audit.number") }, t("audit.when"), t("audit.who"), t("audit.what"), t("audit.target")]}>
        {audit.data?.pages.flatMap((page) => page.items).map((entry) => (
          <tr key={entry.sequence}>
            <td className="number">{entry.sequence}</td>
            <td>{format.date(entry.moment)} {format.time(entry.moment)}</td>
            <td>{entry.actor} ({entry.actor_kind})</td>
            <td><code>{entry.action}</code></td>
            <td>{entry.target}</td>
          </tr>
        ))}
      </ListTable>
      {audit.hasNextPage && (
        <Button className="tool" isDisabled={audit.isFetchingNextPage} onPress={() => void audit.fetchNextPage()}>
          {t("search.more")}
        </Button>
      )}
    </section>
  );
}
