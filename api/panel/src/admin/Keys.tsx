import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useKeys, useRevokeKey } from "../api/people";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import { NewKey } from "./NewKey";

/** Keys of machines. */
export function Keys() {
  const { t } = useTranslation();
  const format = useFormat();
  const keys = useKeys();
  const revoke = useRevokeKey();
  const [armed, setArmed] = useState("");
  const heads = [t("keys.name"), t("users.role"), t("keys.scope"), t("keys.created"), t("keys.expires"), t("keys.lastUsed"), ""];
  return (
    <>
      <NewKey />
      <section className="card block" data-testid="keys">
        <h2>{t("admin.keys")}</h2>
        <Outcome action={revoke.error ? revoke : keys} />
        <ListTable label={t("admin.keys")} heads={heads}>
          {keys.data?.map((key) => (
            <tr key={key.name}>
              <td>{key.name}</td>
              <td>{t(`role.${key.role}`)}</td>
              <td>{t(`keys.scopes.${key.scope}`)}</td>
              <td>{format.date(key.created)} {key.created_by}</td>
              <td className={key.expires && Date.parse(key.expires) < Date.now() ? "doubt" : ""}>{key.expires ? format.date(key.expires) : t("keys.never")}</td>
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
    </>
  );
}
