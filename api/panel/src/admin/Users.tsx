import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useUsers } from "../api/people";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";
import "./admin.css";
import { EditUser } from "./EditUser";
import { NewUser } from "./NewUser";

/** People who sign in by name and password. */
export function Users() {
  const { t } = useTranslation();
  const format = useFormat();
  const users = useUsers();
  const [chosen, setChosen] = useState<string | null>(null);
  const edited = users.data?.find(({ name }) => name === chosen);
  return (
    <>
      <NewUser />
      <section className="card block" data-testid="users">
        <h2>{t("admin.users")}</h2>
        <Outcome action={users} />
        {users.data?.length === 0 && <p className="lead">{t("users.none")}</p>}
        {edited && <EditUser key={edited.name} user={edited} onClose={() => setChosen(null)} />}
        <ListTable label={t("admin.users")} heads={[t("users.name"), t("users.role"), t("users.state"), t("users.created"), t("users.passwordChanged"), ""]}>
          {users.data?.map((user) => (
            <tr key={user.name}>
              <td>{user.name}</td>
              <td>{t(`role.${user.role}`)}</td>
              <td className={user.disabled ? "doubt" : ""}>{user.disabled ? t("users.lockedOut", { date: format.date(user.disabled) }) : t("users.letIn")}</td>
              <td>{format.date(user.created)}</td>
              <td>{format.date(user.password_changed)}</td>
              <td className="actions">
                <Button className="tool" aria-label={t("users.changeOf", { name: user.name })} aria-expanded={chosen === user.name} onPress={() => setChosen(chosen === user.name ? null : user.name)}>
                  {t("users.change")}
                </Button>
              </td>
            </tr>
          ))}
        </ListTable>
      </section>
    </>
  );
}
