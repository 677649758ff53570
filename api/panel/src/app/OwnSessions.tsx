import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useEndSession, useOwnSessions } from "../api/people";
import { useFormat } from "./format";
import { ListTable } from "./ListTable";
import { Outcome } from "./Outcome";

/** Where one is signed in; what one does not know can be ended. */
export function OwnSessions() {
  const { t } = useTranslation();
  const format = useFormat();
  const sessions = useOwnSessions();
  const end = useEndSession();
  return (
    <section className="card block" data-testid="sessions">
      <h2>{t("sessions.title")}</h2>
      <Outcome action={end.error ? end : sessions} />
      <ListTable label={t("sessions.title")} heads={[t("sessions.since"), t("sessions.until"), ""]}>
        {sessions.data?.map((one) => (
          <tr key={one.id}>
            <td>{format.date(one.created)} {format.time(one.created)}</td>
            <td>{format.date(one.expires)} {format.time(one.expires)}</td>
            <td className="actions">
              {one.is_this ? (
                <b>{t("sessions.this")}</b>
              ) : (
                <Button className="tool" isDisabled={end.isPending} onPress={() => end.mutate(one.id)}>
                  {t("sessions.end")}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
    </section>
  );
}
