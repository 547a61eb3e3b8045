import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { HotSession, HotSessions } from "../../mixins/hot-store/port.ts";

export interface SessionsHarness {
  readonly sessions: HotSessions;
  close(): Promise<void>;
}

const buildSession = (overrides: Partial<HotSession> = {}): HotSession => ({
  sessionId: randomUUID(),
  userId: "1",
  deviceId: "d",
  expiresAt: Date.now() + 60_000,
  ...overrides,
});

/** Every promise of `HotSessions`, for one implementation. */
export function hotSessionsContract(name: string, open: () => Promise<SessionsHarness>): void {
  const using = (work: (sessions: HotSessions) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness.sessions).finally(() => harness.close());
  };

  describe(`hot sessions on ${name}`, () => {
    it(
      "gives back what was put",
      using(async (sessions) => {
        const session = buildSession();
        await sessions.put(session);
        assert.deepEqual(await sessions.get(session.sessionId), session);
      }),
    );

    it(
      "gives back what was put last",
      using(async (sessions) => {
        const session = buildSession();
        const prolonged = { ...session, expiresAt: session.expiresAt + 60_000 };
        await sessions.put(session);
        await sessions.put(prolonged);
        assert.deepEqual(await sessions.get(session.sessionId), prolonged);
      }),
    );

    it(
      "knows nothing of a session that was never put, nor of one past its end",
      using(async (sessions) => {
        const late = buildSession({ expiresAt: Date.now() - 1 });
        await sessions.put(late);
        assert.equal(await sessions.get(late.sessionId), null);
        assert.equal(await sessions.get(randomUUID()), null);
      }),
    );

    it(
      "remembers that a session ended, also one that it did not have",
      using(async (sessions) => {
        const session = buildSession();
        const unknown = randomUUID();
        await sessions.put(session);
        await sessions.end([session.sessionId, unknown]);
        assert.equal(await sessions.get(session.sessionId), "ended");
        assert.equal(await sessions.get(unknown), "ended");
      }),
    );

    it(
      "is not brought back by someone who read the session before it ended",
      using(async (sessions) => {
        const session = buildSession();
        await sessions.end([session.sessionId]);
        await sessions.put(session);
        assert.equal(await sessions.get(session.sessionId), "ended");
      }),
    );

    it(
      "names those that ended among many",
      using(async (sessions) => {
        const [live, first, second] = [buildSession(), buildSession(), buildSession()];
        for (const session of [live, first, second]) await sessions.put(session);
        await sessions.end([first.sessionId, second.sessionId]);
        const ended = await sessions.endedAmong([first.sessionId, live.sessionId, second.sessionId, randomUUID()]);
        assert.deepEqual(ended.toSorted(), [first.sessionId, second.sessionId].sort());
        assert.deepEqual(await sessions.endedAmong([]), []);
      }),
    );
  });
}
