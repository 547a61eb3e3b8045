import { Errors } from "moleculer";
import { errorEntry, errorTable, type ErrorType } from "../contracts/errors.ts";
import type { Language } from "../contracts/meta.ts";

/**
 * An error of the table, as one of Moleculer's own classes, since subclasses do not survive the trip to another node.
 * Match on `error.type`.
 * @param data what helps the caller; never a stack, SQL or a path
 */
export function imError(type: ErrorType, data?: Record<string, unknown>): Errors.MoleculerError {
  const entry = errorTable[type];
  const ErrorClass = entry.retryable ? Errors.MoleculerRetryableError : Errors.MoleculerClientError;
  return new ErrorClass(entry.en, entry.status, type, data);
}

/** Whether `error` is this error of the table, from this node or another. */
export function isImError(error: unknown, ...types: ErrorType[]): error is Errors.MoleculerError {
  return error instanceof Error && (types as string[]).includes((error as { type?: unknown }).type as string);
}

/** What a client gets to know of an error. */
export interface WireError {
  readonly type: ErrorType;
  readonly code: number;
  readonly status: number;
  readonly message: string;
  readonly data: Record<string, unknown> | null;
  readonly retryable: boolean;
}

/** Types of Moleculer's own errors that mean that a service is away or slow. */
const unavailable = new Set([
  "SERVICE_NOT_FOUND",
  "SERVICE_NOT_AVAILABLE",
  "REQUEST_TIMEOUT",
  "REQUEST_SKIPPED",
  "REQUEST_REJECTED",
  "QUEUE_FULL",
  "CIRCUIT_BREAKER_OPENED",
  "MAX_CALL_LEVEL",
  "BAD_GATEWAY",
]);

/**
 * Turns whatever was thrown into an entry of the table. What the table does not have becomes INTERNAL without detail, and
 * `isExpected` tells the caller whether it should be logged.
 */
export function toWireError(error: unknown, language: Language = "en"): WireError {
  const type = wireType(error);
  const entry = errorTable[type];
  const detail = type === "INTERNAL" ? null : dataOf(error);
  // What another try can cure says so, unless whoever threw it knows better.
  const data = entry.retryable ? { retryable: true, ...detail } : detail;
  return { type, code: entry.code, status: entry.status, message: entry[language], data, retryable: entry.retryable };
}

/** True for errors that are answers and not faults of the server. */
export function isExpected(error: unknown): boolean {
  return wireType(error) !== "INTERNAL";
}

function wireType(error: unknown): ErrorType {
  const type: unknown = error instanceof Error ? (error as { type?: unknown }).type : undefined;
  if (errorEntry(type)) return type as ErrorType;
  return typeof type === "string" && unavailable.has(type) ? "UNAVAILABLE" : "INTERNAL";
}

function dataOf(error: unknown): Record<string, unknown> | null {
  const type: unknown = (error as { type?: unknown }).type;
  const data: unknown = (error as { data?: unknown }).data;
  return errorEntry(type) && typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
}
