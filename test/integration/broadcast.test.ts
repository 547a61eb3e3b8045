import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Notification } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { isImError } from "../../lib/errors.ts";
import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import type { SqlParams, Tx } from "../../mixins/database/port.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { BroadcastRunner } from "../../services/notification/broadcast/runner.ts";
import { findOpen } from "../../services/notification/broadcast/repository.ts";
import { sendPortion } from "../../services/notification/broadcast/send-portion.ts";
import { startBroadcast } from "../../services/notification/broadcast/start.ts";
import {
  addUsers,
  assertToldOnce,
  broadcastNodes,
  idsFrom,
  over,
  send,
  text,
  told,
  type BroadcastNode,
  type Filter,
} from "../support/broadcast-nodes.ts";
import { createDatabase, silent } from "../support/database.ts";
import { intercept } from "../support/intercept.ts";
import { waitFor } from "../support/wait.ts";

describe("a broadcast", () => {
  it("tells every active user once, in their language, and shows how far it is", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    const users = await addUsers(one.sql, 1, 1_203);
    await addUsers(one.sql, 2_001, 2_003, "deleted");
    await addUsers(one.sql, 2_004, 2_005, "disabled");
    await one.node.as("7", "settings.update", { language: "zh" });
    for (const userId of ["7", "8", "1203"]) world.online.add(userId);
    const broadcastId = await send(one, undefined, { link: "https://example.org" });
    const { createdAt, finishedAt, ...status } = await over(one, broadcastId);
    assert.ok(createdAt <= Number(finishedAt));
    assert.deepEqual(status, { broadcastId, state: "done", total: 1_203, done: 1_203, told: 1_203, text, filter: {} });
    await assertToldOnce(one.sql, users);
    const readBy = async (userId: string) => (await one.node.as(userId, "notification.list", {})).items;
    const [mine] = await readBy("7");
    assert.deepEqual(
      [mine?.type, mine?.text, mine?.read, mine?.data],
      ["system.notice", text.zh, false, { link: "https://example.org", broadcastId, text }],
    );
    assert.equal((await readBy("8"))[0]?.text, text.en);
    assert.equal((await one.node.call("notification.exportOf", { userId: "7" }))[0]?.text, text.zh);
    await waitFor(() => one.deliveries.length >= 2, "the pushes, which follow what is stored");
    assert.deepEqual(
      one.deliveries.map((call) => call.map(({ room, event, payload }) => [room, event, (payload as Notification).text])),
      [
        [
          ["u:7", "notification:new", text.zh],
          ["u:8", "notification:new", text.en],
        ],
        [["u:1203", "notification:new", text.en]],
      ],
    );
  });

  it("is for those whom its filter leaves", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    await addUsers(one.sql, 1, 10);
    await addUsers(one.sql, 11, 11, "disabled");
    await one.node.as("3", "settings.update", { language: "zh" });
    await one.node.as("5", "settings.update", { language: "zh" });
    world.groups.set("50", ["2", "3", "10", "11"]);
    const cases: readonly [Filter, number[], number][] = [
      [{ userIds: ["10", "9", "9", "404", "11"] }, [9, 10], 4],
      [{ groupId: "50" }, [2, 3, 10], 4],
      [{ createdAfter: 7 }, [8, 9, 10], 3],
      [{ createdBefore: 3 }, [1, 2], 2],
      [{ createdAfter: 3, createdBefore: 6 }, [4, 5], 2],
      [{ language: "zh" }, [3, 5], 10],
      [{ groupId: "50", language: "zh" }, [3], 4],
      [{ groupId: "50", userIds: ["1", "2", "10"], createdBefore: 10 }, [2], 2],
      [{ userIds: [] }, [], 0],
    ];
    for (const [filter, expected, total] of cases) {
      const { state, ...status } = await over(one, await send(one, filter));
      assert.deepEqual([state, status.total, status.done, status.told], ["done", total, total, expected.length]);
      assert.deepEqual(await told(one.sql), expected, JSON.stringify(filter));
      await one.sql.execute("delete from notification");
    }
    const { items } = await one.node.call("notification.broadcasts", { limit: 2 });
    assert.deepEqual(
      items.map(({ filter }) => filter),
      [cases[8]?.[0], cases[7]?.[0]],
    );
    await assert.rejects(send(one, { groupId: "404" }), (error) => isImError(error, "GROUP_NOT_FOUND"));
  });

  it("reads the list of those whom it names once, and goes on with it where it was broken off", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const userIds = Array.from({ length: 1_700 }, (_, at) => String(at + 1));
    const calls = { call: async (_: string, { userIds: asked }: { userIds: string[] }) => asked } as unknown as Calls;
    const deps = { sql, calls, ids: idsFrom(1_000_000), now: Date.now };
    const broadcastId = await startBroadcast(deps, { text, filter: { userIds } });
    const second = await sendPortion(deps, (await findOpen(sql, broadcastId))!);
    assert.deepEqual([second?.position, second?.recipients?.length], ["500", 1_200]);
    assert.deepEqual(await findOpen(sql, broadcastId), second);
    const select = sql.select.bind(sql);
    let reads = 0;
    sql.select = (statement, ...rest) => {
      if (/recipients/.test(statement)) reads++;
      return select(statement, ...rest);
    };
    const third = await sendPortion(deps, second!);
    assert.deepEqual([third?.position, reads], ["1000", 0]);
    assert.deepEqual(await sendPortion(deps, second!), third, "who comes late with a portion goes on behind it");
    assert.equal(reads, 1);
    assert.equal(await sendPortion(deps, (await sendPortion(deps, third!))!), null);
    await assertToldOnce(sql, userIds);
  });

  it("does not tell who registers after it began", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    const users = await addUsers(one.sql, 1, 600);
    const later = Date.now() + 60_000;
    let portions = 0;
    intercept(one.node.broker, "user.idsAfter", async (proceed) => {
      if (++portions === 1) {
        await addUsers(one.sql, later, later);
        await one.sql.execute("update user set user_id = 550550 where user_id = :later", { later });
      }
      return proceed();
    });
    assert.equal((await over(one, await send(one))).told, 600);
    await assertToldOnce(one.sql, users);
  });

  it("refuses what says nothing, too much, or what nobody knows", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    const wrong: readonly unknown[] = [
      {},
      { text: { en: "only" } },
      { text: { en: "", zh: "空" } },
      { text: { en: "x".repeat(2_001), zh: "长" } },
      { text, filter: { role: "admin" } },
      { text, filter: { userIds: ["ann"] } },
      { text, filter: { language: "fr" } },
      { text, data: { words: "x".repeat(5_000) } },
    ];
    for (const params of wrong)
      await assert.rejects(
        one.node.call("notification.broadcast", params as Params<"notification.broadcast">),
        (error) => isImError(error, "VALIDATION"),
        JSON.stringify(params).slice(0, 80),
      );
    for (const action of ["notification.broadcastStatus", "notification.cancelBroadcast"] as const)
      await assert.rejects(one.node.call(action, { broadcastId: "404" }), (error) => isImError(error, "BROADCAST_NOT_FOUND"));
  });

  it("that is cancelled tells nobody more", async () => {
    await using world = await broadcastNodes();
    const [one] = world.nodes as [BroadcastNode];
    await addUsers(one.sql, 1, 1_600);
    let portions = 0;
    let broadcastId = "";
    intercept(one.node.broker, "user.idsAfter", async (proceed) => {
      const found = await proceed();
      if (++portions === 2) await one.node.call("notification.cancelBroadcast", { broadcastId });
      return found;
    });
    broadcastId = await send(one);
    const ended = await over(one, broadcastId);
    assert.deepEqual([ended.state, ended.done, ended.told], ["cancelled", 500, 500]);
    await one.runner.stop();
    assert.equal((await told(one.sql)).length, 500);
    assert.deepEqual(await one.node.call("notification.cancelBroadcast", { broadcastId }), ended);
  });
});

describe("a broadcast that is broken off", () => {
  /** What `sendPortion` works with on its own, as far as no stand-in is asked. */
  const depsOn = (sql: Database, userIds: readonly string[]) => {
    let ids = 1_000_000;
    const calls = {
      call: async (name: string, params: Params<"user.idsAfter">) => {
        if (name === "user.count") return userIds.length;
        if (name !== "user.idsAfter") return {};
        return userIds.filter((id) => Number(id) > Number(params.after ?? 0)).slice(0, params.limit);
      },
    } as unknown as Calls;
    return { sql, calls, ids: { next: () => String(++ids) }, now: Date.now };
  };

  it("inside a portion leaves nothing of it behind, and nobody out", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const users = Array.from({ length: 1_100 }, (_, at) => String(at + 1));
    let isBroken = true;
    const broken: Database = Object.assign(Object.create(sql) as Database, {
      select: sql.select.bind(sql),
      insertRows: sql.insertRows.bind(sql),
      transaction: sql.transaction.bind(sql),
      execute: (statement: string, ...rest: [SqlParams?, Tx?]) => {
        if (isBroken && statement.startsWith("update broadcast")) throw new Error("the node is gone");
        return sql.execute(statement, ...rest);
      },
    });
    const deps = depsOn(broken, users);
    const portion = async () => sendPortion(deps, (await findOpen(sql, broadcastId))!);
    const broadcastId = await startBroadcast(deps, { text });
    await assert.rejects(portion(), /the node is gone/);
    assert.deepEqual(await told(sql), []);
    isBroken = false;
    assert.equal((await portion())?.position, "500");
    assert.equal((await told(sql)).length, 500);
    isBroken = true;
    await assert.rejects(portion(), /the node is gone/);
    assert.equal((await told(sql)).length, 500);
    isBroken = false;
    while (await portion());
    await assertToldOnce(sql, users);
  });

  it("by the end of its node goes on with another, from where it was", async () => {
    await using world = await broadcastNodes(2);
    const [first, second] = world.nodes as [BroadcastNode, BroadcastNode];
    const users = await addUsers(first.sql, 1, 2_600);
    await second.runner.stop();
    let portions = 0;
    const gone = Promise.withResolvers<void>();
    intercept(first.node.broker, "user.idsAfter", async (proceed) => {
      if (++portions < 3) return proceed();
      gone.resolve();
      throw new Error("the node is gone");
    });
    const broadcastId = await send(first);
    await gone.promise;
    await first.node.stop();
    const half = await second.node.call("notification.broadcastStatus", { broadcastId });
    assert.deepEqual([half.state, half.done, half.told, half.total], ["running", 1_000, 1_000, 2_600]);
    const third = new BroadcastRunner({
      deps: { sql: second.sql, calls: second.node.broker, ids: idsFrom(1_000_000), now: Date.now },
      leases: memoryLeases(),
      holder: "third",
      isBehind: async () => false,
      logger: silent,
      everyMs: 5,
    });
    const ended = await over(second, broadcastId);
    await third.stop();
    assert.deepEqual([ended.state, ended.done, ended.told], ["done", 2_600, 2_600]);
    await assertToldOnce(second.sql, users);
  });
});

describe("broadcasts of two nodes", () => {
  it("that nothing keeps apart tell everybody once", async () => {
    await using world = await broadcastNodes(2);
    const [first, second] = world.nodes as [BroadcastNode, BroadcastNode];
    const users = await addUsers(first.sql, 1, 3_100);
    const portions = [0, 0];
    world.nodes.forEach(({ node }, at) =>
      intercept(node.broker, "user.idsAfter", async (proceed) => {
        portions[at]! += 1;
        return proceed();
      }),
    );
    const broadcastId = await send(first);
    second.runner.kick();
    const ended = await over(second, broadcastId);
    assert.deepEqual([ended.state, ended.done, ended.told], ["done", 3_100, 3_100]);
    await assertToldOnce(first.sql, users);
    assert.ok(
      portions.every((count) => count > 0),
      `both were at it: ${portions.join(", ")}`,
    );
  });
});
