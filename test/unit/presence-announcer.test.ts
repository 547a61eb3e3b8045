import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Announcer } from "../../services/presence/announcer.ts";

const EVERY_MS = 200;

/** An announcer on a clock that the test moves. */
function createWorld(
  t: TestContext,
  announce: (kind: string, userIds: readonly string[]) => Promise<void> = async () => undefined,
) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const told: string[] = [];
  const lost: string[] = [];
  const tell = (kind: string) => async (userIds: readonly string[]) => {
    told.push(`${kind} ${userIds.length > 5 ? userIds.length : userIds.join(" ")}`);
    await announce(kind, userIds);
  };
  const onLost = (userIds: readonly string[]): void => void lost.push(userIds.join(" "));
  const announcer = new Announcer({ arrivals: tell("came"), departures: tell("went"), everyMs: EVERY_MS, onLost });
  const tick = async (ms: number): Promise<void> => {
    now += ms;
    t.mock.timers.tick(ms);
    await nextTurn();
  };
  return { announcer, told, lost, tick };
}

describe("telling of those who come and go", () => {
  it("tells of the first at once, and of all that follow together, each once", async (t) => {
    const { announcer, told, tick } = createWorld(t);
    announcer.came("1");
    await nextTurn();
    assert.deepEqual(told, ["came 1"]);
    for (const userId of ["2", "3", "2"]) announcer.came(userId);
    announcer.went("4");
    await tick(EVERY_MS - 1);
    assert.equal(told.length, 1);
    await tick(1);
    assert.deepEqual(told.slice(1), ["went 4", "came 2 3"]);
    await tick(10 * EVERY_MS);
    announcer.came("5");
    await nextTurn();
    assert.deepEqual(told.slice(3), ["came 5"]);
  });

  it("begins no batch before the one before has ended", async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { announcer, told, tick } = createWorld(t, () => promise);
    announcer.came("1");
    announcer.went("1");
    await tick(5 * EVERY_MS);
    assert.deepEqual(told, ["came 1"]);
    resolve();
    await nextTurn();
    assert.deepEqual(told, ["came 1", "went 1"]);
  });

  it("tells of many in portions, and goes on after a failure", async (t) => {
    let isAway = true;
    const { announcer, told, lost, tick } = createWorld(t, async () => {
      if (isAway) throw new Error("away");
    });
    announcer.came("1");
    await nextTurn();
    isAway = false;
    for (let i = 0; i < 1_200; i++) announcer.went(String(i));
    await tick(EVERY_MS);
    assert.deepEqual([told, lost], [["came 1", "went 500", "went 500", "went 200"], ["1"]]);
  });

  it("tells of all that waits, and of what comes then at once, when it drains", async (t) => {
    const gate = Promise.withResolvers<void>();
    const { announcer, told } = createWorld(t, () => gate.promise);
    announcer.came("1");
    announcer.came("2");
    let isDrained = false;
    const drained = announcer.drain().then(() => (isDrained = true));
    await nextTurn();
    assert.deepEqual([told, isDrained], [["came 1"], false]);
    gate.resolve();
    await drained;
    assert.deepEqual(told, ["came 1", "came 2"]);
    announcer.came("3");
    await announcer.drain();
    assert.deepEqual(told.slice(2), ["came 3"]);
  });

  it("forgets what waits when the node stops", async (t) => {
    const { announcer, told, tick } = createWorld(t);
    announcer.came("1");
    await nextTurn();
    announcer.came("2");
    announcer.close();
    await tick(2 * EVERY_MS);
    assert.deepEqual(told, ["came 1"]);
  });
});
