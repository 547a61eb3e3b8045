import type { SessionEndReason } from "../../contracts/events.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { AuthDeps } from "./deps.ts";
import { findEndedAmong, markEnded, type SessionChoice } from "./repository.ts";

type EndDeps = Pick<AuthDeps, "sql" | "outbox" | "sessions" | "now" | "tellEnded" | "warn">;

/** Who ended sessions this long ago has told of it. */
const TOLD_AFTER_MS = 10_000;

/** Ends a user's sessions, everywhere, and returns the ids of those that were live. */
export async function endSessions(deps: EndDeps, choice: SessionChoice, reason: SessionEndReason): Promise<string[]> {
  const ended = await deps.sql.transaction((tx) => endInTransaction(deps, choice, reason, tx));
  await announceEnded(deps, choice.userId, ended, reason);
  await endForAll(deps, choice, ended);
  return ended;
}

/**
 * The event of the same change may have been faster, and be about to tell. Whoever asked here relies on the end from now on.
 * @param told those that need not be ended any more
 */
async function endForAll(deps: EndDeps, choice: SessionChoice, told: readonly string[]): Promise<void> {
  const ended = await findEndedAmong(deps.sql, choice, deps.now() - TOLD_AFTER_MS);
  const others = ended.filter((sessionId) => !told.includes(sessionId));
  if (others.length > 0) await deps.sessions.end(others).catch((error: unknown) => warnOfLate(deps, choice.userId, error));
}

function warnOfLate(deps: EndDeps, userId: string, error: unknown): void {
  const name = error instanceof Error ? error.name : "unknown error";
  deps.warn(`Ended sessions of user ${userId} are not told everywhere at once: ${name}`);
}

/** The part that is durable. Call `announceEnded` with the result once `tx` has committed. */
export async function endInTransaction(
  deps: EndDeps,
  choice: SessionChoice,
  reason: SessionEndReason,
  tx: Tx,
): Promise<string[]> {
  const sessionIds = await markEnded(deps.sql, choice, reason, deps.now(), tx);
  const payload = { userId: choice.userId, sessionIds, reason };
  if (sessionIds.length > 0) await deps.outbox.add(tx, { subject: "im.user.session.ended", key: choice.userId, payload });
  return sessionIds;
}

/**
 * Makes the ending count at once: the check on each request, and the gateways. Should either fail, the event of the transaction
 * does the first, and what gateways and auth nodes see in SQL every few seconds does both.
 */
export async function announceEnded(
  deps: EndDeps,
  userId: string,
  sessionIds: string[],
  reason: SessionEndReason,
): Promise<void> {
  if (sessionIds.length === 0) return;
  // Whoever is cut off by the second and comes back at once must meet the first.
  const steps = [() => deps.sessions.end(sessionIds), () => deps.tellEnded({ userId, sessionIds, reason })];
  for (const step of steps) {
    await step().catch((error: unknown) => warnOfLate(deps, userId, error));
  }
}
