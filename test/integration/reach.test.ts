import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { buildConfig } from "../../config/env.ts";
import { metricsAddress } from "../../mixins/metrics/index.ts";
import { stopReaching } from "../../mixins/reach.ts";
import { mixinOf, sharedPerBroker, type Shared } from "../../mixins/shared.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import type { LogEntry } from "../../runtime/log-entry.ts";
import { waitFor } from "../support/wait.ts";

/** A part that is a server elsewhere, away until the test says otherwise. */
function remotePart() {
  const world = { isThere: false, tries: 0 };
  const open = (): Promise<string> => {
    world.tries++;
    return world.isThere
      ? Promise.resolve("opened")
      : Promise.reject(new Error("connect ECONNREFUSED 127.0.0.1:1\n  at a stack"));
  };
  const shared = sharedPerBroker<string>(open, () => Promise.resolve(), {
    part: "database",
    ping: () => Promise.resolve(),
    isRemote: () => true,
  });
  return { world, shared };
}
function buildBroker(shared: Shared<string>): { broker: ServiceBroker; lines: string[] } {
  const lines: string[] = [];
  const config = buildConfig({ metricsPort: 0, logLevel: "warn" });
  const broker = new ServiceBroker(brokerOptions(config, ({ msg }: LogEntry) => void lines.push(msg)));
  broker.createService(user(shared));
  return { broker, lines };
}
const user = (shared: Shared<string>): ServiceSchema => ({ name: "user-of-it", mixins: [mixinOf("part", shared)] });

test("a node whose server is away answers its probes, says in one line what is missing, and starts once it is there", async () => {
  const { world, shared } = remotePart();
  const { broker, lines } = buildBroker(shared);
  const started = broker.start();
  await waitFor(() => world.tries > 2, "a second try and a third");
  const { port } = metricsAddress(broker)!;
  assert.equal((await fetch(`http://127.0.0.1:${port}/health/live`)).status, 200);
  const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
  assert.equal(ready.status, 503);
  assert.deepEqual(((await ready.json()) as { down: string[] }).down, ["node", "database"]);
  assert.deepEqual(lines, ["The database cannot be reached, it is tried again until it can: connect ECONNREFUSED 127.0.0.1:1"]);
  world.isThere = true;
  await started;
  assert.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200);
  await broker.stop();
});

test("a node that is stopped while it waits for a server gives up", async () => {
  const { world, shared } = remotePart();
  const { broker } = buildBroker(shared);
  const started = broker.start();
  await waitFor(() => world.tries > 0, "a first try");
  stopReaching(broker);
  await assert.rejects(started, /stopped before its database could be reached: connect ECONNREFUSED/);
  await broker.stop();
});
