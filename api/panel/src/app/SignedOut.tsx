import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { reasonOf } from "../api/problem";
import { reasonTitle } from "../i18n/reason";
import { SignInForm } from "./SignInForm";
import { ToolButtons } from "./ToolButtons";

const RETRY_MS = 3_000;

interface Props {
  linkError: Error | null;
  isUnreachable?: boolean;
  onRetry?: () => void;
}

/** Says how to get in; or, where the station does not answer, that it does not. */
export function SignedOut({ linkError, isUnreachable = false, onRetry }: Props) {
  const { t } = useTranslation();

  useEffect(() => {
    if (!onRetry) return;
    const timer = window.setInterval(onRetry, RETRY_MS);
    return () => window.clearInterval(timer);
  }, [onRetry]);

  return (
    <main className="signed-out">
      <div className="card">
        <h1>{isUnreachable ? t("signedOut.unreachable") : t("signedOut.title")}</h1>
        {linkError && (
          <p className="problem" role="alert">
            <strong>{t("signedOut.failed")}</strong> {reasonTitle(reasonOf(linkError, ""))}.
          </p>
        )}
        {isUnreachable ? (
          <p>{t("signedOut.unreachableHow")}</p>
        ) : (
          <>
            <SignInForm />
            <p>{t("signedOut.how")}</p>
            <pre>
              <code>{t("signedOut.command")}</code>
            </pre>
            <p>
              {t("signedOut.demo")} {t("signedOut.then")}
            </p>
          </>
        )}
        <ToolButtons />
      </div>
    </main>
  );
}
