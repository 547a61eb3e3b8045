import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { memoryLimits } from "../../mixins/hot-store/limits-memory.ts";
import { memoryPresence } from "../../mixins/hot-store/presence-memory.ts";
import { memorySessions } from "../../mixins/hot-store/sessions-memory.ts";
import { hotLeasesContract } from "./hot-store-leases.ts";
import { hotLimitsContract } from "./hot-store-limits.ts";
import { hotPresenceContract } from "./hot-store-presence.ts";
import { hotSessionsContract } from "./hot-store-sessions.ts";

const close = async (): Promise<void> => undefined;

hotSessionsContract("memory", async () => ({ sessions: memorySessions(), close }));
hotPresenceContract("memory", async () => ({ presence: memoryPresence(), close }));
hotLimitsContract("memory", async () => ({ limits: memoryLimits(), close }));
hotLeasesContract("memory", async () => ({ leases: memoryLeases(), close }));

describe("hot store in memory: its bounds", () => {
  const session = (sessionId: string) => ({ sessionId, userId: "1", deviceId: "d", expiresAt: Number.MAX_SAFE_INTEGER });

  it("forgets an ended session after the time it was told", async () => {
    let now = 0;
    const sessions = memorySessions({ now: () => now, endedForMs: 1_000 });
    await sessions.end(["a"]);
    now = 999;
    assert.equal(await sessions.get("a"), "ended");
    now = 1_000;
    assert.equal(await sessions.get("a"), null);
    assert.deepEqual(await sessions.endedAmong(["a"]), []);
  });

  it("drops the session that was not used for the longest time", async () => {
    const sessions = memorySessions({ maxSessions: 2 });
    await sessions.put(session("a"));
    await sessions.put(session("b"));
    await sessions.get("a");
    await sessions.put(session("c"));
    assert.equal(await sessions.get("b"), null);
    assert.notEqual(await sessions.get("a"), null);
  });

  it("forgets who left first when too many have left", async () => {
    const presence = memoryPresence({ maxOffline: 1 });
    for (const userId of ["a", "b"]) {
      await presence.connect(
        { connectionId: "c", userId, sessionId: "s", deviceId: "d", deviceType: "web", gatewayNodeId: "n" },
        5,
        1,
      );
      await presence.disconnect(userId, "c", 2);
    }
    const states = await presence.of(["a", "b"], 3);
    assert.deepEqual([states.get("a")?.lastSeenAt, states.get("b")?.lastSeenAt], [null, 2]);
  });

  it("lets a holder that slept go on while nobody took its lease", async () => {
    let now = 0;
    const leases = memoryLeases({ now: () => now });
    const lease = await leases.acquire("x", "a", 1_000);
    now = 5_000;
    assert.equal(await leases.renew(lease!, "a", 1_000), true);
    assert.equal(await leases.acquire("x", "b", 1_000), null);
  });
});
