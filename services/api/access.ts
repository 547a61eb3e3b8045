import type { IncomingMessage } from "node:http";
import { ADDRESS_REQUESTS_PER_MINUTE, ROUTE_REQUESTS_PER_MINUTE, USER_REQUESTS_PER_MINUTE } from "../../config/http-limits.ts";
import type { Caller } from "../../contracts/meta.ts";
import { limitKeyOf } from "../../lib/client-address.ts";
import { imError } from "../../lib/errors.ts";
import type { RateLimiter } from "../../lib/rate-limits.ts";
import { call, type Calls } from "../../lib/service.ts";
import { infoOf } from "./request-info.ts";

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i;

/** The access token of a request; tokens stand in the Authorization header and nowhere else. @throws UNAUTHENTICATED */
export function bearerToken(req: IncomingMessage): string {
  const token = BEARER.exec(req.headers.authorization ?? "")?.[1];
  if (token === undefined) throw imError("UNAUTHENTICATED");
  return token;
}

/** @throws UNAUTHENTICATED, TOKEN_EXPIRED, SESSION_ENDED */
export async function authenticate(calls: Calls, req: IncomingMessage): Promise<Caller> {
  const { userId, sessionId, deviceId } = await call(calls, "auth.verify", { token: bearerToken(req) });
  return { userId, sessionId, deviceId };
}

/** Counts the request against its address, before anything is known of who sent it. @throws RATE_LIMITED */
export async function limitAddress(limiter: RateLimiter, req: IncomingMessage): Promise<void> {
  const { address, route } = infoOf(req);
  const key = limitKeyOf(address);
  await limiter.check(`rest:a:${key}`, ADDRESS_REQUESTS_PER_MINUTE);
  if (route?.auth === "open") await limiter.check(`rest:a:${key}:${route.action}`, route.perMinute ?? ROUTE_REQUESTS_PER_MINUTE);
}

/** Counts the request against its user, over all routes and for its route. @throws RATE_LIMITED */
export async function limitUser(limiter: RateLimiter, req: IncomingMessage, { userId }: Caller): Promise<void> {
  const { route } = infoOf(req);
  await limiter.check(`rest:u:${userId}`, USER_REQUESTS_PER_MINUTE);
  if (route) await limiter.check(`rest:u:${userId}:${route.action}`, route.perMinute ?? ROUTE_REQUESTS_PER_MINUTE);
}
