import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCapture, useCaptures } from "../api/rig";
import { isOpen, useLastTask } from "../api/tasks";
import { useFormat } from "../app/format";
import { ListTable } from "../app/ListTable";
import { Outcome } from "../app/Outcome";

const MIB = 2 ** 20;

/** Captures to take away: all frames of what lies on the rig, not judged. */
export function CapturesCard() {
  const { t } = useTranslation();
  const format = useFormat();
  const [name, setName] = useState("");
  const captures = useCaptures();
  const capture = useCapture();
  const { task } = useLastTask("capture");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    capture.mutate(name, { onSuccess: () => setName("") });
  };
  return (
    <section className="card block">
      <h2>{t("captures.title")}</h2>
      <p className="lead">{t("captures.what")}</p>
      <form className="row" onSubmit={submit}>
        <label className="field">
          <span>{t("captures.name")}</span>
          <input value={name} required pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,79}" spellCheck={false} onChange={(event) => setName(event.target.value)} />
        </label>
        <Button type="submit" className="tool" isDisabled={capture.isPending || isOpen(task)}>
          {t("captures.make")}
        </Button>
      </form>
      <Outcome action={capture.error ? capture : captures} />
      {!!captures.data?.length && (
        <ListTable label={t("captures.title")}>
          {captures.data.map((item) => (
            <tr key={item.name}>
              <td>{item.name}</td>
              <td>{format.date(item.created)} {format.time(item.created)}</td>
              <td className="number">{t("captures.frames", { count: item.frames })}</td>
              <td className="actions">
                <a className="tool" href={item.url} download>
                  {t("captures.get", { size: format.whole(item.size_bytes / MIB) })}
                </a>
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </section>
  );
}
