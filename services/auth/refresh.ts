import type { Result } from "../../contracts/index.ts";
import { imError } from "../../lib/errors.ts";
import { refreshTokenHash } from "../../lib/tokens.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { AuthDeps } from "./deps.ts";
import { announceEnded, endInTransaction } from "./end-sessions.ts";
import { addRefreshToken, keepHot, sessionEnd, tokensOf } from "./issue-tokens.ts";
import { findRefreshToken, findSession, prolongSession, useRefreshToken, type SessionRow } from "./repository.ts";

type Outcome =
  | { readonly kind: "renewed"; readonly session: SessionRow; readonly refreshToken: string; readonly now: number }
  | { readonly kind: "reused"; readonly userId: string; readonly ended: string[] }
  | { readonly kind: "refused" };

/**
 * Replaces a refresh token. Of several that use one token at a time exactly one is served; every other use of a used token
 * is a theft and ends the session with all its tokens, whoever was served first.
 * @throws SESSION_ENDED for a token that is unknown, expired, used, or of an ended session
 */
export async function refresh(deps: AuthDeps, refreshToken: string): Promise<Result<"auth.refresh">> {
  const tokenHash = refreshTokenHash(refreshToken);
  const outcome = await deps.sql.transaction((tx) => rotate(deps, tokenHash, tx));
  if (outcome.kind === "renewed") {
    await keepHot(deps, outcome.session);
    return tokensOf(deps, outcome.session, outcome.refreshToken, outcome.now);
  }
  if (outcome.kind === "reused") await announceEnded(deps, outcome.userId, outcome.ended, "token_reused");
  throw imError("SESSION_ENDED");
}

async function rotate(deps: AuthDeps, tokenHash: string, tx: Tx): Promise<Outcome> {
  const now = deps.now();
  const isMine = await useRefreshToken(deps.sql, tokenHash, now, tx);
  const token = await findRefreshToken(deps.sql, tokenHash, tx);
  const session = token && (await findSession(deps.sql, String(token.session_id), tx));
  if (!session) return { kind: "refused" };
  const sessionId = String(session.session_id);
  if (!isMine) {
    const userId = String(session.user_id);
    // An expired token that was never used proves nothing.
    return token.used_at === null
      ? { kind: "refused" }
      : { kind: "reused", userId, ended: await endInTransaction(deps, { userId, sessionId }, "token_reused", tx) };
  }
  const expiresAt = sessionEnd(deps, now);
  if (!(await prolongSession(deps.sql, sessionId, expiresAt, now, tx))) return { kind: "refused" };
  return {
    kind: "renewed",
    session: { ...session, expires_at: expiresAt },
    refreshToken: await addRefreshToken(deps, sessionId, now, tx),
    now,
  };
}
