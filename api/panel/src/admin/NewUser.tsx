import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCreateUser } from "../api/people";
import type { UserRequest } from "../api/schema";
import { Outcome } from "../app/Outcome";
import { RoleField } from "./RoleField";

const EMPTY: UserRequest = { name: "", role: "operator", password: "" };

/** Somebody who shall sign in by name and password. */
export function NewUser() {
  const { t } = useTranslation();
  const create = useCreateUser();
  const [wanted, setWanted] = useState(EMPTY);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(wanted, { onSuccess: () => setWanted(EMPTY) });
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("users.new")}</h2>
      <div className="row">
        <label className="field">
          <span>{t("users.name")}</span>
          <input value={wanted.name} required pattern="[a-z0-9][a-z0-9._@\-]{0,49}" autoComplete="off" autoCapitalize="none" spellCheck={false} onChange={(event) => setWanted({ ...wanted, name: event.target.value })} />
        </label>
        <RoleField role={wanted.role} onChange={(role) => setWanted({ ...wanted, role })} />
        <label className="field">
          <span>{t("users.password")}</span>
          <input type="password" value={wanted.password} required minLength={12} maxLength={200} autoComplete="new-password" onChange={(event) => setWanted({ ...wanted, password: event.target.value })} />
        </label>
        <Button type="submit" className="tool" isDisabled={create.isPending}>
          {t("users.create")}
        </Button>
      </div>
      <Outcome action={create} done={create.data && t("users.made", { name: create.data.name })} />
    </form>
  );
}
