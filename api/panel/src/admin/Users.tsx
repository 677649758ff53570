import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useChangeUser, useCreateUser, useUsers } from "../api/people";
import type { UserRequest } from "../api/schema";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

const ROLES = ["operator", "engineer", "admin"] as const;
const EMPTY: UserRequest = { name: "", role: "operator", password: "" };

/** People who sign in by name and password. */
export function Users() {
  const { t } = useTranslation();
  const format = useFormat();
  const users = useUsers();
  const create = useCreateUser();
  const change = useChangeUser();
  const [wanted, setWanted] = useState(EMPTY);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(wanted, { onSuccess: () => setWanted(EMPTY) });
  };
  return (
    <section className="card block">
      <h2>{t("admin.users")}</h2>
      <form className="row" onSubmit={submit}>
        <label className="field">
          <span>{t("users.name")}</span>
          <input value={wanted.name} required pattern="[a-z0-9][a-z0-9._@\-]{0,49}" autoComplete="off" autoCapitalize="none" spellCheck={false} onChange={(event) => setWanted({ ...wanted, name: event.target.value })} />
        </label>
        <label className="field">
          <span>{t("users.role")}</span>
          <select value={wanted.role} onChange={(event) => setWanted({ ...wanted, role: ROLES.find((role) => role === event.target.value) ?? "operator" })}>
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {t(`role.${role}`)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("users.password")}</span>
          <input type="password" value={wanted.password} required minLength={12} maxLength={200} autoComplete="new-password" onChange={(event) => setWanted({ ...wanted, password: event.target.value })} />
        </label>
        <Button type="submit" className="tool" isDisabled={create.isPending}>
          {t("users.create")}
        </Button>
      </form>
      <Outcome action={create.error ? create : change.error ? change : users} />
      <ListTable label={t("admin.users")} heads={[t("users.name"), t("users.role"), t("users.created"), t("users.passwordChanged"), ""]}>
        {users.data?.map((user) => (
          <tr key={user.name}>
            <td>{user.name}</td>
            <td>{t(`role.${user.role}`)}</td>
            <td>{format.date(user.created)}</td>
            <td>{format.date(user.password_changed)}</td>
            <td className="actions">
              <Button className="tool" isDisabled={change.isPending} onPress={() => change.mutate({ name: user.name, change: { is_disabled: user.disabled === null } })}>
                {user.disabled ? t("users.enable") : t("users.disable")}
              </Button>
            </td>
          </tr>
        ))}
      </ListTable>
    </section>
  );
}
