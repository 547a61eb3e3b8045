import assert from "node:assert/strict";
import { test } from "node:test";
import { mixinOf, sharedPerBroker } from "../../mixins/shared.ts";
import { createNode } from "../support/node.ts";

test("what a service opens while the node stops again, since another one could not start, is closed", async () => {
  const log: string[] = [];
  const isStopping = Promise.withResolvers<void>();
  const part = sharedPerBroker<string>(
    async () => {
      await isStopping.promise;
      log.push("opened");
      return "part";
    },
    async () => void log.push("closed"),
  );
  const starting = createNode([
    { name: "slow", mixins: [mixinOf("part", part)] },
    {
      name: "failing",
      started: () => Promise.reject(new Error("the port is taken")),
      stopped: () => void setImmediate(isStopping.resolve),
    },
  ]);
  await assert.rejects(starting, /the port is taken/);
  assert.deepEqual(log, ["opened", "closed"]);
});
