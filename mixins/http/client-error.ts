import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorEnvelope } from "../../lib/envelope.ts";
import { imError, toWireError } from "../../lib/errors.ts";
import { requestIdOf } from "../../lib/request-id.ts";

/** Answers bytes that are no HTTP request, or one that came too slowly, with an envelope, and closes the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusOf(error.code);
  const wire = toWireError(imError(status === 431 ? "PAYLOAD_TOO_LARGE" : "MALFORMED_REQUEST"));
  const body = JSON.stringify(errorEnvelope(wire, requestIdOf(null)));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      "Content-Type: application/json; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

function statusOf(code: string | undefined): 400 | 408 | 431 {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}
