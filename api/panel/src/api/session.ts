import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "./client";
import { ME_KEY } from "./queries";

const LINK = /^#\/sign-in\/(.+)$/;

export const isSignInLink = () => LINK.test(window.location.hash);

/**
 * Takes the token of a one-time sign-in link out of the address, so that neither the history nor a bookmark keeps it, and
 * exchanges it for a session. Resolves at once where there is no token.
 */
export async function signInFromLink(): Promise<void> {
  const token = LINK.exec(window.location.hash)?.[1];
  if (!token) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  await answer(api.POST("/api/v1/sessions", { body: { token: decodeURIComponent(token) } }));
}

/** Exchanges a user's name and password for a session. */
export async function signIn(name: string, password: string): Promise<void> {
  await answer(api.POST("/api/v1/sessions", { body: { name, password } }));
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/sessions/current")),
    onSuccess: async () => {
      // Asking again who is signed in closes the page; then nothing that was read stays behind it.
      await client.resetQueries({ queryKey: ME_KEY });
      client.removeQueries({ type: "inactive" });
    },
  });
}
