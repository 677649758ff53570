import createClient from "openapi-fetch";
import { failure, Unreachable } from "./problem";
import type { paths } from "./schema";

/** The service's REST interface, typed from its OpenAPI document. Same origin; the session is a cookie. */
export const api = createClient<paths>({
  // Looked up at each call, so that a test or an extension may replace it.
  fetch: (request) => globalThis.fetch(request),
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; throws ProblemError or Unreachable otherwise. */
export async function answer<T>(call: Promise<Answer<T>>): Promise<T> {
  let result: Answer<T>;
  try {
    result = await call;
  } catch (cause) {
    // fetch rejects with TypeError when no answer came; a body cut off midway ends in a SyntaxError.
    throw new Unreachable(cause instanceof Error ? cause.message : String(cause));
  }
  if (!result.response.ok) throw failure(result.response, result.error);
  return result.data as T;
}
