import type { Result } from "../../contracts/index.ts";
import { makeRefreshToken, refreshTokenHash, signAccessToken } from "../../lib/tokens.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { AuthDeps } from "./deps.ts";
import { insertRefreshToken, type SessionRow } from "./repository.ts";

type IssueDeps = Pick<AuthDeps, "sql" | "sessions" | "keys" | "config">;

/** When a session ends that is used for the last time at `now`. */
export const sessionEnd = ({ config }: Pick<AuthDeps, "config">, now: number): number => now + config.refreshTokenTtlS * 1_000;

/** Stores the hash of a new refresh token of a session and returns the token. */
export async function addRefreshToken(deps: IssueDeps, sessionId: string, now: number, tx: Tx): Promise<string> {
  const token = makeRefreshToken();
  const row = {
    token_hash: refreshTokenHash(token),
    session_id: sessionId,
    created_at: now,
    expires_at: sessionEnd(deps, now),
    used_at: null,
  };
  await insertRefreshToken(deps.sql, row, tx);
  return token;
}

/** What a client gets; an access token never outlives its session. */
export function tokensOf(deps: IssueDeps, row: SessionRow, refreshToken: string, now: number): Result<"auth.refresh"> {
  const expiresIn = Math.min(deps.config.accessTokenTtlS, deps.config.refreshTokenTtlS);
  const claims = {
    userId: String(row.user_id),
    sessionId: String(row.session_id),
    deviceId: row.device_id,
    deviceType: row.device_type,
    expiresAt: (Math.floor(now / 1_000) + expiresIn) * 1_000,
  };
  return { accessToken: signAccessToken(deps.keys, claims, now), refreshToken, expiresIn };
}

/** Puts a live session where each request looks first; without it the session is read from SQL. */
export async function keepHot({ sessions }: Pick<AuthDeps, "sessions">, row: SessionRow): Promise<void> {
  const session = {
    sessionId: String(row.session_id),
    userId: String(row.user_id),
    deviceId: row.device_id,
    expiresAt: Number(row.expires_at),
  };
  await sessions.put(session).catch(() => undefined);
}
