import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { answer, api } from "../api/client";
import { useAction } from "../api/action";
import type { Me } from "../api/schema";
import { Header } from "./Header";
import { Looks } from "./Looks";
import { Outcome } from "./Outcome";
import { OwnSessions } from "./OwnSessions";
import { SignOut } from "./SignOut";
import "../i18n/more";

const SHORTEST = 12;

/** Who is signed in; their password; the way out. */
export default function AccountPage({ me }: { me: Me }) {
  const { t } = useTranslation();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useAction((body: { current: string; new: string }) => answer(api.PUT("/api/v1/me/password", { body })));

  const differs = again !== "" && again !== next;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (next !== again || change.isPending) return;
    change.mutate(
      { current, new: next },
      {
        onSuccess: () => {
          setCurrent("");
          setNext("");
          setAgain("");
        },
      },
    );
  };

  return (
    <div className="page">
      <Header title={t("account.title")} />
      <main className="sheet two">
        <section className="card block">
          <h2>{me.name}</h2>
          <p>{t(`role.${me.role}`)}</p>
          <SignOut />
        </section>
        <Looks />
        <form className="card block" onSubmit={submit}>
          <h2>{t("account.change")}</h2>
          {(
            [
              ["current", current, setCurrent, "current-password"],
              ["new", next, setNext, "new-password"],
              ["again", again, setAgain, "new-password"],
            ] as const
          ).map(([name, value, set, complete]) => (
            <label key={name} className="field">
              <span>{t(`account.${name}`)}</span>
              <input
                type="password"
                value={value}
                required
                minLength={name === "current" ? 1 : SHORTEST}
                maxLength={200}
                autoComplete={complete}
                onChange={(event) => set(event.target.value)}
              />
            </label>
          ))}
          {differs && <p className="problem">{t("account.differs")}</p>}
          <Outcome action={change} done={t("account.changed")} />
          <Button type="submit" className="tool primary" isDisabled={change.isPending || differs}>
            {t("account.change")}
          </Button>
        </form>
        <OwnSessions />
      </main>
    </div>
  );
}
