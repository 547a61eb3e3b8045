/** Limits of the HTTP server that REST and Socket.IO share. */

/** Of all headers of a request together. */
export const MAX_HEADER_BYTES = 16_384;
/** A client has this long to send its headers, and its whole request. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const RECEIVE_TIMEOUT_MS = 15_000;
/** Longer than the idle time of the usual proxies in front, so that they never send into a connection being closed. */
export const KEEP_ALIVE_MS = 75_000;
/** What a client that came while the server starts or stops is told to wait. */
export const RETRY_AFTER_S = 1;
/** A part that has not answered the readiness probe within this time counts as down. */
export const PROBE_TIMEOUT_MS = 1_000;
/** Requests of one user, and of one address, in a minute, whatever the route. */
export const USER_REQUESTS_PER_MINUTE = 1_200;
export const ADDRESS_REQUESTS_PER_MINUTE = 3_000;
/** Of a route that does not say otherwise. */
export const ROUTE_REQUESTS_PER_MINUTE = 300;
/** How long a browser may remember the answer to a preflight request. */
export const PREFLIGHT_MAX_AGE_S = 600;
