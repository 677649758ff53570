import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { HISTORY_KEY, remember } from "./history";
import { COUNTS_KEY, ME_KEY, RIG_KEY } from "./queries";
import type { InspectionSummary, RigState, Task } from "./schema";
import { rememberTask } from "./tasks";

const RECONNECT_MS = 2_000;

/**
 * Feeds the station's events into the query cache and says whether they arrive.
 *
 * EventSource reconnects by itself when a connection breaks, but gives up for good when the answer is not a stream (a
 * proxy's 502, a 401): then a new one is opened. After every reconnection everything is read again, as events were missed.
 */
export function useEvents(): { connected: boolean } {
  const client = useQueryClient();
  // Connecting for the first time is not yet a lost connection.
  const [connected, setConnected] = useState(true);

  useEffect(() => {
    let source: EventSource;
    let timer = 0;
    let isFirst = true;

    const open = () => {
      source = new EventSource("/api/v1/events");
      source.onopen = () => {
        setConnected(true);
        if (!isFirst) void client.invalidateQueries();
        isFirst = false;
      };
      source.onerror = () => {
        setConnected(false);
        if (source.readyState !== EventSource.CLOSED) return;
        void client.invalidateQueries({ queryKey: ME_KEY });
        timer = window.setTimeout(open, RECONNECT_MS);
      };
      source.addEventListener("inspection", (event: MessageEvent<string>) => {
        const item = JSON.parse(event.data) as InspectionSummary;
        remember(client, item);
        if (item.state !== "finished") return;
        for (const queryKey of [COUNTS_KEY, ["search"], ["statistics"]]) void client.invalidateQueries({ queryKey });
      });
      source.addEventListener("task", (event: MessageEvent<string>) => rememberTask(client, JSON.parse(event.data) as Task));
      source.addEventListener("station", (event: MessageEvent<string>) => {
        client.setQueryData<RigState>(RIG_KEY, JSON.parse(event.data) as RigState);
      });
    };

    open();
    // A page that is left must not count as a lost connection while it unloads.
    const close = () => source.close();
    window.addEventListener("pagehide", close);
    void client.invalidateQueries({ queryKey: HISTORY_KEY });
    return () => {
      window.removeEventListener("pagehide", close);
      window.clearTimeout(timer);
      source.close();
    };
  }, [client]);

  return { connected };
}
