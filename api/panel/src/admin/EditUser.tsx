import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useChangeUser, useGivePassword } from "../api/people";
import type { User, UserRequest } from "../api/schema";
import { Outcome } from "../app/Outcome";
import { RoleField } from "./RoleField";

/** Another role, a new password, locked out or let in again. */
export function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChangeUser();
  const give = useGivePassword();
  const [role, setRole] = useState<UserRequest["role"]>(user.role === "mes" ? "operator" : user.role);
  const [armed, setArmed] = useState<"password" | "lock" | null>(null);
  const isBusy = change.isPending || give.isPending;
  /** What ends somebody's sessions wants a second touch. */
  const twice = (name: "password" | "lock", act: () => void) => () => {
    if (armed === name) act();
    setArmed(armed === name ? null : name);
  };
  return (
    <section className="user-edit" aria-label={t("users.changeOf", { name: user.name })}>
      <h3>{user.name}</h3>
      <div className="row">
        <RoleField role={role} onChange={setRole} />
        <Button className="tool" isDisabled={isBusy || role === user.role} onPress={() => change.mutate({ name: user.name, change: { role } })}>
          {t("users.setRole")}
        </Button>
        <Button className={armed === "password" ? "tool armed" : "tool"} isDisabled={isBusy} onPress={twice("password", () => give.mutate(user.name))}>
          {armed === "password" ? t("app.signOutConfirm") : t("users.givePassword")}
        </Button>
        {user.disabled ? (
          <Button className="tool" isDisabled={isBusy} onPress={() => change.mutate({ name: user.name, change: { is_disabled: false } })}>
            {t("users.enable")}
          </Button>
        ) : (
          <Button className={armed === "lock" ? "tool armed" : "tool"} isDisabled={isBusy} onPress={twice("lock", () => change.mutate({ name: user.name, change: { is_disabled: true } }))}>
            {armed === "lock" ? t("app.signOutConfirm") : t("users.disable")}
          </Button>
        )}
        <Button className="tool" onPress={onClose}>
          {t("users.close")}
        </Button>
      </div>
      {give.data && (
        <>
          <p role="status">{t("users.passwordOnce")}</p>
          <code className="secret">{give.data.password}</code>
        </>
      )}
      <Outcome action={give.error ? give : change} done={t("users.changed")} />
    </section>
  );
}
