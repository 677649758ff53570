import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isSignedOut, ProblemError } from "../api/problem";
import { useMe } from "../api/queries";
import { isSignInLink, signInFromLink } from "../api/session";
import { OutOfOrder } from "./OutOfOrder";
import { Shell } from "./Shell";
import { SignedOut } from "./SignedOut";

// The token works once, so it is spent once: outside React, which may render twice.
let signIn = signInFromLink();

/** Lets in whoever is signed in, and tells everybody else how to. */
export function App() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [linkTried, setLinkTried] = useState(false);
  const [linkError, setLinkError] = useState<Error | null>(null);

  useEffect(() => {
    let isCurrent = true;
    const follow = async () => {
      const failure = await signIn.then(
        () => null,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      );
      if (!isCurrent) return;
      setLinkError(failure);
      setLinkTried(true);
    };
    // A second link opened in the same tab changes the fragment without a reload.
    const again = () => {
      if (!isSignInLink()) return;
      signIn = signInFromLink();
      void follow().then(() => client.resetQueries());
    };
    void follow();
    window.addEventListener("hashchange", again);
    return () => {
      isCurrent = false;
      window.removeEventListener("hashchange", again);
    };
  }, [client]);

  if (!linkTried) return <p className="loading">{t("app.loading")}</p>;
  return <Gate linkError={linkError} />;
}

function Gate({ linkError }: { linkError: Error | null }) {
  const { t } = useTranslation();
  const me = useMe();
  if (isSignedOut(me.error)) return <SignedOut linkError={linkError} />;
  if (me.data) return <Shell me={me.data} />;
  if (me.error instanceof ProblemError && me.error.status === 503) return <OutOfOrder problem={me.error} onRetry={() => void me.refetch()} />;
  if (me.isError) return <SignedOut linkError={null} isUnreachable onRetry={() => void me.refetch()} />;
  return <p className="loading">{t("app.loading")}</p>;
}
