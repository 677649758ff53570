import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ProblemError } from "../api/problem";
import "../i18n";
import { App } from "./App";
import "./base.css";
import { applyTheme } from "./theme";

applyTheme();

const client = new QueryClient({
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
