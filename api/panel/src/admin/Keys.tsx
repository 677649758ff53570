import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCreateKey, useKeys, useRevokeKey } from "../api/people";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

const SCOPES = ["read", "trigger", "full"] as const;

/** Keys of machines. A key is shown once, when it is made. */
export function Keys() {
  const { t } = useTranslation();
  const format = useFormat();
  const keys = useKeys();
  const create = useCreateKey();
  const revoke = useRevokeKey();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<(typeof SCOPES)[number]>("trigger");
  const [armed, setArmed] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, role: "mes", scope }, { onSuccess: () => setName("") });
  };
  return (
    <section className="card block">
      <h2>{t("admin.keys")}</h2>
      <form className="row" onSubmit={submit}>
        <label className="field">
          <span>{t("keys.name")}</span>
          <input value={name} required maxLength={100} autoComplete="off" spellCheck={false} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>{t("keys.scope")}</span>
          <select value={scope} onChange={(event) => setScope(SCOPES.find((one) => one === event.target.value) ?? "read")}>
            {SCOPES.map((one) => (
              <option key={one} value={one}>
                {t(`keys.scopes.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit" className="tool" isDisabled={create.isPending}>
          {t("keys.create")}
        </Button>
      </form>
      {create.data && (
        <>
          <p role="status">{t("keys.once")}</p>
          <code className="secret">{create.data.key}</code>
        </>
      )}
      <Outcome action={create.error ? create : revoke.error ? revoke : keys} />
      <ListTable label={t("admin.keys")} heads={[t("keys.name"), t("users.role"), t("keys.scope"), t("keys.created"), t("keys.lastUsed"), ""]}>
        {keys.data?.map((key) => (
          <tr key={key.name}>
            <td>{key.name}</td>
            <td>{t(`role.${key.role}`)}</td>
            <td>{t(`keys.scopes.${key.scope}`)}</td>
            <td>{format.date(key.created)} {key.created_by}</td>
            <td>{key.last_used ? `${format.date(key.last_used)} ${format.time(key.last_used)}` : t("keys.never")}</td>
            <td className="actions">
              {key.revoked ? (
                t("keys.revoked")
              ) : (
                <Button className={armed === key.name ? "tool armed" : "tool"} isDisabled={revoke.isPending} onPress={() => (armed === key.name ? revoke.mutate(key.name) : setArmed(key.name))}>
                  {armed === key.name ? t("app.signOutConfirm") : t("keys.revoke")}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
    </section>
  );
}
