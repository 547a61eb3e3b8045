import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Service, ServiceSchema } from "moleculer";
import { BROADCAST_MAX_OUTBOX } from "../../config/limits.ts";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { BroadcastRunner } from "../../services/notification/broadcast/runner.ts";
import { addUsers, broadcastNodes, idsFrom, over, send, told, type BroadcastNode } from "../support/broadcast-nodes.ts";
import { silent } from "../support/database.ts";
import { waitFor } from "../support/wait.ts";

describe("the pipeline goes before a broadcast", () => {
  it("which waits while that is behind", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    await addUsers(one.sql, 1, 20);
    await one.runner.stop();
    const broadcastId = await send(one);
    let asked = 0;
    let isBehind = true;
    const runner = new BroadcastRunner({
      deps: { sql: one.sql, calls: one.node.broker, ids: idsFrom(1_000_000), now: Date.now },
      leases: memoryLeases(),
      holder: "another",
      isBehind: async () => {
        asked++;
        return isBehind;
      },
      logger: silent,
      everyMs: 5,
    });
    await waitFor(() => asked >= 2);
    assert.deepEqual(await told(one.sql), []);
    isBehind = false;
    assert.equal((await over(one, broadcastId)).told, 20);
    await runner.stop();
  });

  it("when too many events wait in the outbox", async () => {
    let mayPass = false;
    const stuck: ServiceSchema = {
      name: "stuck",
      mixins: [
        withDatabase(),
        withOutbox(),
        withSubscriptions({
          consumer: "stuck",
          handlers: {
            "im.system.alert.triggered": async () => {
              if (!mayPass) throw new Error("not yet");
            },
          },
          maxDeliver: 1_000,
        }),
      ],
    };
    await using world = await broadcastNodes(1, [stuck]);
    const [one] = world.nodes as [BroadcastNode];
    await addUsers(one.sql, 1, 20);
    const { sql, outbox } = one.node.broker.getLocalService("stuck") as unknown as Service & DatabaseVars & OutboxVars;
    await sql.transaction(async (tx) => {
      for (let at = 0; at <= BROADCAST_MAX_OUTBOX; at++)
        await outbox.add(tx, { subject: "im.system.alert.triggered", key: "k", payload: { alert: "a", detail: "d" } });
    });
    assert.equal(await one.isBehind(), true);
    const broadcastId = await send(one);
    assert.deepEqual(await told(one.sql), []);
    mayPass = true;
    assert.equal((await over(one, broadcastId)).told, 20);
    assert.equal(await one.isBehind(), false);
  });
});
