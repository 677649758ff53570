import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { InspectionSummary } from "../api/schema";
import { useFormat } from "../app/format";
import { NotDecidableIcon, NotOkIcon, OkIcon, RunningIcon } from "../app/icons";
import { reasonTitle } from "../i18n/reason";

const ICONS = { OK: OkIcon, NotOK: NotOkIcon, NotDecidable: NotDecidableIcon, Undefined: RunningIcon };

interface Props {
  items: readonly InspectionSummary[];
  shownId: string | null;
  onShow: (id: string) => void;
  /** What to say where there are none. */
  empty?: string;
  /** Below the last one. */
  children?: ReactNode;
}

/** Parts, newest first. Touching one shows its pictures. */
export function History({ items, shownId, onShow, empty, children }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const list = useRef<HTMLOListElement>(null);

  // What is shown may have been chosen by keys, far down the list.
  useEffect(() => {
    list.current?.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest" });
  }, [shownId]);

  return (
    <section className="card history" aria-label={t("history.label")}>
      {items.length === 0 && <p className="empty">{empty ?? t("history.empty")}</p>}
      <ol ref={list}>
        {items.map((item) => {
          const Symbol = ICONS[item.evaluation];
          return (
            <li key={item.id}>
              <button
                type="button"
                className={`entry entry-${item.evaluation}`}
                aria-pressed={item.id === shownId}
                disabled={item.state !== "finished"}
                onClick={() => onShow(item.id)}
              >
                {item.thumbnail_url ? <img src={item.thumbnail_url} alt="" width={96} height={64} /> : <span className="no-picture" />}
                <span className="what">
                  <b>{item.serial ?? format.moment(item.created)}</b>
                  <span>{item.serial && format.moment(item.created)}</span>
                  <span className="mark">
                    <Symbol />
                    {t(`history.${item.evaluation}`)}
                  </span>
                  {item.reviewed_as && item.reviewed_as !== item.evaluation && <span className="because">{t("review.overruled", { verdict: t(`history.${item.reviewed_as}`) })}</span>}
                  {item.reason && <span className="because">{reasonTitle(item.reason)}</span>}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
      {children}
    </section>
  );
}
