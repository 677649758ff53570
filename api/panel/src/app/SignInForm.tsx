import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { reasonOf } from "../api/problem";
import { signIn } from "../api/session";
import { reasonCure, reasonTitle } from "../i18n/reason";

/** Name and password of a user. */
export function SignInForm() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setIsBusy(true);
    try {
      await signIn(name, password);
      await client.resetQueries();
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setPassword("");
    } finally {
      setIsBusy(false);
    }
  };

  const reason = error && reasonOf(error, t("signedOut.unreachableHow"));
  return (
    <form className="sign-in" onSubmit={(event) => void submit(event)}>
      <label className="field">
        <span>{t("signedOut.name")}</span>
        <input value={name} maxLength={50} autoComplete="username" autoCapitalize="none" spellCheck={false} required onChange={(event) => setName(event.target.value)} />
      </label>
      <label className="field">
        <span>{t("signedOut.password")}</span>
        <input type="password" value={password} maxLength={200} autoComplete="current-password" required onChange={(event) => setPassword(event.target.value)} />
      </label>
      <Button type="submit" className="tool" isDisabled={isBusy}>
        {t("signedOut.signIn")}
      </Button>
      {reason && (
        <p className="problem" role="alert">
          <strong>{reasonTitle(reason)}.</strong> {reasonCure(reason)}
        </p>
      )}
    </form>
  );
}
