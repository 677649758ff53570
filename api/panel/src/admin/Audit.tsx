import { useDeferredValue, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { type AuditFilter, auditQuery, useAudit, useCheckAudit } from "../api/people";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

const ANYTHING: AuditFilter = { actor: "", action: "", target: "", from: "", to: "" };
/** What the actions of the log begin with. */
const GROUPS = ["user.", "session.", "link.", "key.", "webhook.", "recipe.", "model.", "threshold.", "inspection.", "rig.", "capture.", "retention.", "backup.", "database."] as const;

/** Every change, who made it and how they proved who they are; searched, taken away, and held against its chain of digests. */
export function Audit() {
  const { t } = useTranslation();
  const format = useFormat();
  const [filter, setFilter] = useState(ANYTHING);
  const audit = useAudit(useDeferredValue(filter));
  const check = useCheckAudit();
  const entries = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.values(filter).some((value) => value !== "");
  const set = (name: keyof AuditFilter) => (event: { target: { value: string } }) => setFilter({ ...filter, [name]: event.target.value });
  return (
    <section className="card block" data-testid="audit">
      <h2>{t("admin.audit")}</h2>
      <div className="row" role="search" aria-label={t("audit.search")}>
        <label className="field">
          <span>{t("audit.who")}</span>
          <input value={filter.actor} maxLength={100} spellCheck={false} onChange={set("actor")} />
        </label>
        <label className="field">
          <span>{t("audit.what")}</span>
          <select value={filter.action} onChange={set("action")}>
            <option value="">{t("search.any")}</option>
            {GROUPS.map((group) => (
              <option key={group} value={group}>
                {group}*
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("audit.target")}</span>
          <input value={filter.target} maxLength={200} spellCheck={false} onChange={set("target")} />
        </label>
        <label className="field">
          <span>{t("search.from")}</span>
          <input type="datetime-local" value={filter.from} onChange={set("from")} />
        </label>
        <label className="field">
          <span>{t("search.to")}</span>
          <input type="datetime-local" value={filter.to} onChange={set("to")} />
        </label>
        <Button className="tool" isDisabled={!isFiltered} onPress={() => setFilter(ANYTHING)}>
          {t("search.clear")}
        </Button>
      </div>
      <div className="row">
        <a className="tool" href={`/api/v1/audit.csv?${new URLSearchParams(auditQuery(filter))}`} download>
          {t("search.export")}
        </a>
        <Button className="tool" isDisabled={check.isPending} onPress={() => check.mutate(undefined)}>
          {t("audit.check")}
        </Button>
        {check.data && (
          <p role="status" className={check.data.holds ? "" : "wrong"}>
            {check.data.holds ? t("audit.holds", { count: check.data.entries }) : t("audit.broken", { why: check.data.broken })} <code className="code">{check.data.head_sha256}</code>
          </p>
        )}
      </div>
      <Outcome action={check.error ? check : audit} />
      {audit.data && entries.length === 0 && <p>{t("search.none")}</p>}
      <ListTable label={t("admin.audit")} heads={[{ number: t("audit.number") }, t("audit.when"), t("audit.who"), t("audit.what"), t("audit.target")]}>
        {entries.map((entry) => (
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
