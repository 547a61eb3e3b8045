import type { ServerResponse } from "node:http";
import type { WireError } from "./errors.ts";

/** What every REST answer looks like (K1). */
export interface Envelope {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
  readonly timestamp: number;
  readonly requestId: string;
}

export const okEnvelope = (data: unknown, requestId: string): Envelope => ({
  code: 0,
  message: "ok",
  data: data ?? null,
  timestamp: Date.now(),
  requestId,
});

export const errorEnvelope = (error: WireError, requestId: string): Envelope => ({
  code: error.code,
  message: error.message,
  data: error.data,
  timestamp: Date.now(),
  requestId,
});

/** Answers with `body` as JSON. Does nothing when an answer has begun or the client has gone. */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || res.writableEnded || res.destroyed) return;
  const text = JSON.stringify(body);
  res.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  res.end(text);
}
