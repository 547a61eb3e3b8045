import type { Loggers } from "moleculer";
import { Errors } from "moleculer";

export type LogLevel = Loggers.Base.LogLevels;

/** One line of the log. Whatever else a caller gave stands beside these fields. */
export interface LogEntry {
  readonly level: LogLevel;
  /** Epoch ms. */
  readonly time: number;
  readonly node: string;
  /** The service, or the part of the node, that speaks. */
  readonly from: string;
  readonly msg: string;
  /** The request that caused it, the same in its answer, its actions and its pushes. */
  readonly requestID?: string;
  readonly err?: LoggedError;
  readonly [field: string]: unknown;
}

/** An error without what callers attached to it: that may be what a user typed. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: string;
}

/** What Moleculer knows of the one who logs. */
export interface LogSource {
  readonly nodeID?: string;
  readonly mod?: string;
  readonly svc?: string;
}

/** Makes an entry of what was given to a log method: words and values, fields, errors, in any order. */
export function logEntry(level: LogLevel, args: readonly unknown[], source: LogSource, time: number): LogEntry {
  const words: string[] = [];
  const fields: Record<string, unknown> = {};
  let error: unknown;
  for (const arg of args) {
    if (arg instanceof Error) error ??= arg;
    else if (typeof arg === "object" && arg !== null && !Array.isArray(arg)) Object.assign(fields, arg);
    else words.push(Array.isArray(arg) ? JSON.stringify(arg) : String(arg));
  }
  const { error: named, requestId, requestID, ...rest } = fields;
  error ??= named;
  const request = requestID ?? requestId ?? requestOf(error);
  return {
    ...rest,
    level,
    time,
    node: source.nodeID ?? "",
    from: source.svc ?? source.mod ?? "node",
    msg: words.length > 0 ? words.join(" ") : messageOf(error),
    ...(typeof request === "string" ? { requestID: request } : {}),
    ...(error === undefined ? {} : { err: loggedError(error) }),
  };
}

/** Moleculer attaches the context of the call that failed. */
function requestOf(error: unknown): unknown {
  return (error as { ctx?: { requestID?: unknown } } | null | undefined)?.ctx?.requestID;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

function loggedError(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error instanceof Errors.MoleculerError ? error.type : error.name,
    message: error.message,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
  };
}
