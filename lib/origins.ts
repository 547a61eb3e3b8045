/**
 * Whether a browser page of `origin` may talk to this server: its own pages (same host as the `Host` header) and the configured
 * ones. Who sends no Origin is no browser and may.
 */
export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean;

/** @param allowed origins besides the server's own, as `scheme://host[:port]` */
export function createOriginCheck(allowed: readonly string[]): OriginCheck {
  const known = new Set(allowed);
  return (origin, host) => {
    if (origin === undefined || known.has(origin)) return true;
    return host !== undefined && URL.parse(origin)?.host === host.toLowerCase();
  };
}
