import { lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useEvents } from "../api/events";
import { useRigState } from "../api/queries";
import type { Me } from "../api/schema";
import { Banners } from "./Banners";
import { Fallen } from "./Fallen";
import { pagesOf } from "./pages";
import { Rail } from "./Rail";
import { useRoute } from "./route";
import "./shell.css";

const AccountPage = lazy(() => import("./AccountPage"));

/** What stands around every page: the way to the others, and what is to be known about all of them. */
export function Shell({ me }: { me: Me }) {
  const { t } = useTranslation();
  const { page } = useRoute();
  const events = useEvents();
  const rig = useRigState();
  const pages = pagesOf(me.role);
  const current = pages.find(({ name }) => name === page) ?? pages[0];
  const isAccount = page === "account";

  const title = isAccount ? t("nav.account") : current && t(`nav.${current.name}`);
  useEffect(() => {
    document.title = [title, rig.data?.station, t("app.title")].filter(Boolean).join(" · ");
  }, [title, rig.data?.station, t]);

  return (
    <div className="shell">
      <Rail pages={pages} current={isAccount ? "account" : current?.name} />
      <div className="body">
        <Banners isStale={!events.connected || rig.isError} />
        <Fallen key={page}>
          <Suspense fallback={<p className="loading">{t("app.loading")}</p>}>{isAccount ? <AccountPage me={me} /> : current && <current.Content />}</Suspense>
        </Fallen>
      </div>
    </div>
  );
}
