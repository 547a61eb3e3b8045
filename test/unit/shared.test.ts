import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import { bindConfig, configOf, sharedPerBroker } from "../../mixins/shared.ts";

const config = { nodeId: "n" } as Config;

function createBroker(): ServiceBroker {
  const broker = new ServiceBroker({ logger: false });
  bindConfig(broker, config);
  return broker;
}

/** Counts openings and closings; `fail` makes the next opening reject. */
function counting() {
  const log: string[] = [];
  let made = 0;
  const state = { fail: false };
  const shared = sharedPerBroker(
    async (_broker, { nodeId }) => {
      await new Promise(setImmediate);
      if (state.fail) throw new Error("cannot open");
      log.push(`open ${++made}`);
      return { nodeId, number: made };
    },
    async ({ number }) => {
      await new Promise(setImmediate);
      log.push(`close ${number}`);
    },
  );
  return { shared, log, state };
}

describe("configOf", () => {
  it("gives what was bound, and says so when nothing was", () => {
    assert.equal(configOf(createBroker()), config);
    assert.throws(() => configOf(new ServiceBroker({ logger: false, nodeID: "bare" })), /"bare" has no configuration/);
  });
});

describe("sharedPerBroker", () => {
  it("opens once for users that come at the same time and closes with the last", async () => {
    const { shared, log } = counting();
    const broker = createBroker();
    const [first, second] = await Promise.all([shared.acquire(broker), shared.acquire(broker)]);
    assert.equal(first, second);
    await shared.release(broker);
    assert.deepEqual(log, ["open 1"]);
    await shared.release(broker);
    assert.deepEqual(log, ["open 1", "close 1"]);
    await shared.release(broker);
    assert.deepEqual(log, ["open 1", "close 1"]);
  });

  it("keeps brokers apart", async () => {
    const { shared } = counting();
    const [a, b] = [createBroker(), createBroker()];
    assert.notEqual(await shared.acquire(a), await shared.acquire(b));
  });

  it("opens again after it was closed, not before", async () => {
    const { shared, log } = counting();
    const broker = createBroker();
    await shared.acquire(broker);
    const released = shared.release(broker);
    const again = await shared.acquire(broker);
    await released;
    assert.equal(again.number, 2);
    assert.deepEqual(log, ["open 1", "close 1", "open 2"]);
  });

  it("does not remember a failed opening", async () => {
    const { shared, state } = counting();
    const broker = createBroker();
    state.fail = true;
    const failed = await Promise.allSettled([shared.acquire(broker), shared.acquire(broker)]);
    assert.deepEqual(
      failed.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    state.fail = false;
    assert.equal((await shared.acquire(broker)).nodeId, "n");
  });
});
