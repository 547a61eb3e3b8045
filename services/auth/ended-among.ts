import type { AuthDeps } from "./deps.ts";
import type { RecentEndings } from "./recent-endings.ts";

/** Tells which sessions have ended. The hot store knows at once; SQL is the truth. */
export async function endedAmong(
  { sessions }: Pick<AuthDeps, "sessions">,
  endings: RecentEndings,
  sessionIds: readonly string[],
): Promise<string[]> {
  if (sessionIds.length === 0) return [];
  const [hot, recent] = await Promise.all([sessions.endedAmong(sessionIds).catch(() => []), endings.read()]);
  const known = new Set(hot);
  return sessionIds.filter((sessionId) => known.has(sessionId) || recent.has(sessionId));
}
