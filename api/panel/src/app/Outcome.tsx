import { useTranslation } from "react-i18next";
import { reasonOf } from "../api/problem";
import { reasonCure, reasonTitle } from "../i18n/reason";

interface Props {
  action: { error: Error | null; isSuccess: boolean };
  /** What to say when it went well; nothing where the page itself shows it. */
  done?: string;
}

/** What became of an action: done, or why not, what to do about it, and the code to tell whoever is called. */
export function Outcome({ action, done }: Props) {
  const { t } = useTranslation();
  if (action.error) {
    const reason = reasonOf(action.error, t("app.unanswered"));
    return (
      <p className="problem" role="alert">
        <strong>{reasonTitle(reason)}.</strong> {reason.message && <span lang="en">{reason.message}</span>} {reasonCure(reason)} <code>{reason.code}</code>
      </p>
    );
  }
  return (
    <p className="done" role="status">
      {action.isSuccess && done}
    </p>
  );
}
