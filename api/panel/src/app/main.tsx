import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { isSignedOut, ProblemError } from "../api/problem";
import { ME_KEY } from "../api/queries";
import "../i18n";
import { App } from "./App";
import "./base.css";
import { applyTheme } from "./theme";

applyTheme();

/** A session may end at any moment: whoever hears of it first asks who is signed in, which opens the right page. */
function checkSession(error: Error): void {
  const me = client.getQueryState(ME_KEY);
  if (isSignedOut(error) && !isSignedOut(me?.error)) void client.invalidateQueries({ queryKey: ME_KEY });
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError: checkSession }),
  mutationCache: new MutationCache({ onError: checkSession }),
  defaultOptions: {
    queries: {
      // An answer of the service is final; only silence is worth another try.
      retry: (count, error) => !(error instanceof ProblemError) && count < 2,
      // The station stands beside the panel: whether there is an internet says nothing.
      networkMode: "always",
      refetchOnWindowFocus: false,
    },
  },
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
