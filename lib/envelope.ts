import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
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

const jsonHeaders = {
  "Content-Type": "application/json; charset=utf-8",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
};

/** Answers with `body` as JSON. Does nothing when an answer has begun or the client has gone. */
export function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || res.writableEnded || res.destroyed) return;
  const text = JSON.stringify(body);
  res.writeHead(status, { ...jsonHeaders, "Content-Length": Buffer.byteLength(text), ...headers });
  res.end(text);
}

/**
 * Answers with an envelope around `data`, the text of a JSON value, as fast as the client takes it. When `data` fails or the
 * client leaves, the answer breaks off and `data` is destroyed: nobody can take a part of it for the whole.
 * @throws why it broke off
 */
export async function sendJsonStream(res: ServerResponse, status: number, data: Readable, requestId: string): Promise<void> {
  if (res.headersSent || res.writableEnded || res.destroyed) return void data.destroy();
  const { code, message, timestamp } = okEnvelope(null, requestId);
  res.writeHead(status, jsonHeaders);
  // At once, and not only when what it is reading has arrived.
  res.once("close", () => data.destroy());
  await pipeline(async function* () {
    yield `{"code":${code},"message":${JSON.stringify(message)},"data":`;
    yield* data;
    yield `,"timestamp":${timestamp},"requestId":${JSON.stringify(requestId)}}`;
  }, res);
}
