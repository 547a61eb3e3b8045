import { imError } from "../../../lib/errors.ts";

/** Answers of a server that cannot do it now, though nothing is wrong with what was asked. */
const REFUSALS =
  /^(READONLY|MISCONF|OOM|LOADING|BUSY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOAUTH|NOPERM|WRONGPASS|EXECABORT|UNBLOCKED)\b/;

/**
 * What a caller gets: UNAVAILABLE (retryable) for whatever another try can cure, any other error as it is, since it is a defect
 * of a script or a command.
 */
export function toHotStoreError(error: unknown): unknown {
  return isFromServer(error) && !REFUSALS.test(error.message) ? error : imError("UNAVAILABLE");
}

/** The server answered, with an error. */
function isFromServer(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === "Command timed out";
}

/** ioredis says no more than that the connection is gone; why it went is told by its `error` event. */
export function isLostConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === "MaxRetriesPerRequestError" || /^(Connection is closed|Stream isn't writeable)/.test(error.message))
  );
}

/** The first line of what went wrong. ioredis puts no password into it. */
export function reasonOf(error: unknown): string {
  if (isLostConnection(error)) return "the connection was lost";
  if (isTimeout(error)) return "no answer in time";
  const { message, code } = error as { message?: string; code?: string };
  return (message || code || String(error)).split("\n", 1)[0]!;
}

/** The answers of a pipeline. @throws the first error among them */
export function answersOf(results: readonly [error: Error | null, answer: unknown][] | null): unknown[] {
  return (results ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
