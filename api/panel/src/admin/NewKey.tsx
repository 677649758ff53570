import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCreateKey } from "../api/people";
import { Outcome } from "../app/Outcome";

const ROLES = ["mes", "operator", "engineer", "admin"] as const;
const SCOPES = ["read", "trigger", "full"] as const;
/** How long a key works, days; none for ever. */
const LIVES = ["30", "90", "365", "never"] as const;
const DAY_MS = 86_400_000;

const among = <T extends string>(all: readonly T[], value: string, otherwise: T) => all.find((one) => one === value) ?? otherwise;

/** A key of a machine. It is shown once, when it is made. */
export function NewKey() {
  const { t } = useTranslation();
  const create = useCreateKey();
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>("mes");
  const [scope, setScope] = useState<(typeof SCOPES)[number]>("trigger");
  const [life, setLife] = useState<(typeof LIVES)[number]>("365");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const expires = life === "never" ? null : new Date(Date.now() + Number(life) * DAY_MS).toISOString();
    create.mutate({ name, role, scope, expires }, { onSuccess: () => setName("") });
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("keys.new")}</h2>
      <div className="row">
        <label className="field">
          <span>{t("keys.name")}</span>
          <input value={name} required maxLength={100} autoComplete="off" spellCheck={false} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>{t("users.role")}</span>
          <select value={role} onChange={(event) => setRole(among(ROLES, event.target.value, "mes"))}>
            {ROLES.map((one) => (
              <option key={one} value={one}>
                {t(`role.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("keys.scope")}</span>
          <select value={scope} onChange={(event) => setScope(among(SCOPES, event.target.value, "read"))}>
            {SCOPES.map((one) => (
              <option key={one} value={one}>
                {t(`keys.scopes.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("keys.life")}</span>
          <select value={life} onChange={(event) => setLife(among(LIVES, event.target.value, "365"))}>
            {LIVES.map((one) => (
              <option key={one} value={one}>
                {one === "never" ? t("keys.forEver") : t("keys.days", { count: Number(one) })}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit" className="tool" isDisabled={create.isPending}>
          {t("keys.create")}
        </Button>
      </div>
      <p className="lead">{t(`keys.scopeMeans.${scope}`)}</p>
      {create.data && (
        <>
          <p role="status">{t("keys.once")}</p>
          <code className="secret">{create.data.key}</code>
        </>
      )}
      <Outcome action={create} />
    </form>
  );
}
