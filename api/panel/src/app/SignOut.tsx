import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useSignOut } from "../api/session";
import { ExitIcon } from "./icons";

const CONFIRM_MS = 4_000;

/** Asks for a second touch: coming back needs a new link, and a glove is quick to slip. */
export function SignOut() {
  const { t } = useTranslation();
  const signOut = useSignOut();
  const [isArmed, setIsArmed] = useState(false);

  useEffect(() => {
    if (!isArmed) return;
    const timer = window.setTimeout(() => setIsArmed(false), CONFIRM_MS);
    return () => window.clearTimeout(timer);
  }, [isArmed]);

  return (
    <Button className={isArmed ? "tool armed" : "tool"} onPress={() => (isArmed ? signOut.mutate() : setIsArmed(true))}>
      <ExitIcon />
      {isArmed ? t("app.signOutConfirm") : t("app.signOut")}
    </Button>
  );
}
