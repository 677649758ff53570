import { lazy, Suspense, useDeferredValue, useEffect, useMemo, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useInspection } from "../api/queries";
import { EVERYTHING, useSearch, type Wanted } from "../api/search";
import { Header } from "../app/Header";
import { Outcome } from "../app/Outcome";
import { replaceRest, useRoute } from "../app/route";
import { useScanner } from "../app/scan";
import "../i18n/more";
import { History } from "../inspect/History";
import "../inspect/inspect.css";
import { Facts } from "./Facts";
import { Filters } from "./Filters";
import "./history.css";
import { useArrowKeys } from "./useArrowKeys";

const Viewer = lazy(() => import("../viewer/Viewer"));

/** Every part that was ever looked at: find one, go through many. The one in view stands in the address. */
export default function HistoryPage() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Wanted>(EVERYTHING);
  const search = useSearch(useDeferredValue(wanted));
  const items = useMemo(() => search.data?.pages.flatMap((page) => page.items) ?? [], [search.data]);
  const { rest } = useRoute();

  const at = items.findIndex(({ id }) => id === rest);
  const shown = items[at] ?? items[0] ?? null;
  const detail = useInspection(shown).data;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = search;

  const show = (id: string) => replaceRest("history", id);
  const step = (by: number) => {
    const next = items[Math.max(at, 0) + by];
    if (next) show(next.id);
  };
  useArrowKeys(step);
  useScanner((serial) => setWanted({ ...EVERYTHING, serial }));

  // Whoever goes through the parts by keys comes to the end of what was read.
  useEffect(() => {
    if (at >= items.length - 2 && at > 0 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [at, items.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  return (
    <div className="page">
      <Header title={t("nav.history")}>
        <Filters wanted={wanted} onChange={setWanted} />
      </Header>
      <main className="history-page">
        <div className="found">
          {search.error && <Outcome action={search} />}
          <History items={items} shownId={shown?.id ?? null} onShow={show} empty={search.isLoading ? t("app.loading") : t("search.none")}>
            {hasNextPage && (
              <Button className="tool more" isDisabled={isFetchingNextPage} onPress={() => void fetchNextPage()}>
                {t("search.more")}
              </Button>
            )}
          </History>
          <div className="steps">
            <Button className="tool" isDisabled={at <= 0} onPress={() => step(-1)}>
              {t("search.newer")}
            </Button>
            <Button className="tool" isDisabled={at >= items.length - 1} onPress={() => step(1)}>
              {t("search.older")}
            </Button>
          </div>
        </div>
        <Suspense fallback={<section className="card viewer" />}>
          <Viewer item={shown} detail={detail} attempt={null} isOld={false} onBack={() => undefined} />
        </Suspense>
        {shown && <Facts item={shown} detail={detail} />}
      </main>
    </div>
  );
}
