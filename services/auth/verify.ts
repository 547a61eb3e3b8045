import { imError } from "../../lib/errors.ts";
import { verifyAccessToken, type AccessClaims } from "../../lib/tokens.ts";
import type { AuthDeps } from "./deps.ts";
import { keepHot } from "./issue-tokens.ts";
import type { RecentEndings } from "./recent-endings.ts";
import { findSession, isLive } from "./repository.ts";

export interface VerifyDeps extends Pick<AuthDeps, "sql" | "sessions" | "keys" | "now"> {
  readonly endings: Pick<RecentEndings, "has">;
  readonly saw: (sessionId: string) => void;
}

/**
 * Who an access token stands for. The hot store answers for the session, unless SQL was seen to have ended it; what the hot store
 * does not know, or cannot say, SQL does.
 * @throws TOKEN_EXPIRED, SESSION_ENDED, UNAUTHENTICATED
 */
export async function verify(deps: VerifyDeps, token: string): Promise<AccessClaims> {
  const claims = verifyAccessToken(deps.keys, token, deps.now());
  if (deps.endings.has(claims.sessionId)) throw imError("SESSION_ENDED");
  const hot = await deps.sessions.get(claims.sessionId).catch(() => null);
  if (hot === "ended") throw imError("SESSION_ENDED");
  if (!hot) await loadSession(deps, claims.sessionId);
  deps.saw(claims.sessionId);
  return claims;
}

async function loadSession(deps: VerifyDeps, sessionId: string): Promise<void> {
  const row = await findSession(deps.sql, sessionId);
  if (!row || !isLive(row, deps.now())) {
    await deps.sessions.end([sessionId]).catch(() => undefined);
    throw imError("SESSION_ENDED");
  }
  await keepHot(deps, row);
}
