import type { IncomingMessage } from "node:http";

/**
 * Whether a connection may come from where it comes: programs send no Origin, browsers send the page's. A page of another
 * site must not use its visitor's connection unless it is configured.
 */
export function isAllowedOrigin(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
