import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { RETRY_AFTER_S } from "../../config/http-limits.ts";
import { errorEnvelope, okEnvelope, sendJson, sendJsonStream } from "../../lib/envelope.ts";
import { imError, isExpected, toWireError, type WireError } from "../../lib/errors.ts";
import { retryAfterSeconds } from "../../lib/rate-limits.ts";
import { infoOf } from "./request-info.ts";

export interface ErrorLogger {
  error(...what: unknown[]): void;
  warn(...what: unknown[]): void;
}

export function answerOk(req: IncomingMessage, res: ServerResponse, data: unknown, isRepeated: boolean): void {
  const { requestId, route } = infoOf(req);
  sendJson(res, isRepeated ? 200 : (route?.status ?? 200), okEnvelope(data, requestId));
}

/** Answers with what a stream reads as. A client that leaves is nothing to tell of. Never throws. */
export async function answerStream(
  req: IncomingMessage,
  res: ServerResponse,
  data: Readable,
  logger: ErrorLogger,
): Promise<void> {
  const { requestId, route } = infoOf(req);
  try {
    await sendJsonStream(res, route?.status ?? 200, data, requestId);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_STREAM_PREMATURE_CLOSE") return;
    logger.warn(`${route ? `${route.method} ${route.path}` : "A request"} broke off`, { requestId, error });
  }
}

/** Answers with what the table of errors says of it; only what nobody expected is logged. Never throws. */
export function answerError(req: IncomingMessage, res: ServerResponse, error: unknown, logger: ErrorLogger): void {
  try {
    const { requestId, language, route } = infoOf(req);
    const known = fromGateway(error);
    if (!isExpected(known)) logger.error(`${route ? `${route.method} ${route.path}` : "A request"} failed`, { requestId, error });
    const wire = toWireError(known, language);
    sendJson(res, wire.status, errorEnvelope(wire, requestId), headersOf(wire, req));
  } catch (failure) {
    logger.error("A request could not be answered", { error: failure });
    res.destroy();
  }
}

/** moleculer-web's own errors have a status only. */
function fromGateway(error: unknown): unknown {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  if (name === "ServiceUnavailableError" && code === 503) return imError("UNAVAILABLE");
  if (name === "NotFoundError" && code === 404) return imError("ROUTE_NOT_FOUND");
  if (name === "BadRequestError" && code === 400) return imError("MALFORMED_REQUEST");
  return error;
}

function headersOf({ status, data }: WireError, req: IncomingMessage): Record<string, string> {
  switch (status) {
    case 401:
      return { "WWW-Authenticate": req.headers.authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"' };
    case 405:
      return { Allow: allowedMethods(data) };
    case 429:
    case 503:
      return {
        "Retry-After":
          typeof data?.["retryAfterMs"] === "number" ? retryAfterSeconds(data["retryAfterMs"]) : String(RETRY_AFTER_S),
      };
    default:
      return {};
  }
}

function allowedMethods(data: WireError["data"]): string {
  const allowed = data?.["allowed"];
  return Array.isArray(allowed) ? allowed.join(", ") : "";
}
