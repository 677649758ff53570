import type { Reason } from "./schema";

/** An answer of the service that is not the one hoped for: RFC 9457 problem details, with what to do about it. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly cure: string,
  ) {
    super(detail);
  }
}

/** The service did not answer at all, or something between it and the panel answered in its place. */
export class Unreachable extends Error {
  readonly code = "panel.unreachable";
}

const GATEWAY = new Set([502, 503, 504]);

/** Makes an exception of a failed answer. A gateway's own page has no problem code; the service's 503 has one. */
export function failure(response: Response, body: unknown): ProblemError | Unreachable {
  const problem = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (key: string) => (typeof problem[key] === "string" ? problem[key] : "");
  if (GATEWAY.has(response.status) && !text("code")) return new Unreachable(response.statusText);
  return new ProblemError(response.status, text("code") || `http.${response.status}`, text("detail") || response.statusText, text("cure"));
}

/** Any failure as a reason to show. Where the service kept silent there is no text of it to show. */
export function reasonOf(error: Error, cureOfSilence: string): Reason {
  if (error instanceof ProblemError) return { code: error.code, message: error.message, cure: error.cure };
  if (error instanceof Unreachable) return { code: error.code, message: "", cure: cureOfSilence };
  return { code: "panel", message: error.message, cure: "" };
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ProblemError && error.status === 401;
}
