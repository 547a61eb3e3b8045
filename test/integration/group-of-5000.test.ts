import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Row } from "../../mixins/database/port.ts";
import type { HotStoreVars } from "../../mixins/hot-store/index.ts";
import { costOf, type Cost } from "../support/costs.ts";
import type { GroupWorld } from "../support/group-world.ts";
import { intercept } from "../support/intercept.ts";
import { createLargeWorld, largeGroup, pushedSince, readBy, say } from "../support/large-group.ts";
import { dumpTables, sendersSettled } from "../support/tables.ts";
import { waitFor } from "../support/wait.ts";

const SIZE = 5_000;
let world: GroupWorld;
let large: Awaited<ReturnType<typeof largeGroup>>;
before(async () => {
  world = await createLargeWorld();
  large = await largeGroup(world, SIZE);
});
after(() => world[Symbol.asyncDispose]());

const rowsOf = (sql: string, params: Row = {}): Promise<Row[]> => world.deps.sql.select<Row>(sql, params);

const node = () => ({ broker: world.node.broker, sql: world.deps.sql });

describe("a message in a group of 5,000", () => {
  it("costs the same statements, calls and bytes as in a group of two", async () => {
    const small = await largeGroup(world, 2);
    const head = (await say(world, "1", large.conversationId)).seq;
    while ((await say(world, "1", small.conversationId)).seq < head);
    const ofSend = async (conversationId: string): Promise<Cost> => {
      await sendersSettled(world.deps.sql); // the cursors of what was sent before
      return costOf(node(), () => say(world, "1", conversationId, { clientMsgId: "same-length" }));
    };
    const [dear, cheap] = [await ofSend(large.conversationId), await ofSend(small.conversationId)];
    assert.deepEqual(dear, cheap);
    assert.ok(dear.statements.length > 0 && dear.statements.length < 10, dear.statements.join("\n"));
    assert.ok(dear.calls.some((call) => call.startsWith("socket.deliver")));
  });

  it("is pushed to the room of the conversation, once", async () => {
    const from = world.told.length;
    await say(world, "1", large.conversationId);
    await waitFor(() => pushedSince(world, from, "message:new").length > 0, "the push");
    assert.deepEqual(pushedSince(world, from, "message:new"), [`c:${large.conversationId}`]);
  });

  it("writes its own row and its sender's cursor, and nothing for any other member", async () => {
    const { conversationId } = large;
    await world.settled();
    await sendersSettled(world.deps.sql);
    const before = await dumpTables(world.deps.sql);
    for (let i = 0; i < 3; i++) await say(world, "1", conversationId);
    await sendersSettled(world.deps.sql);
    const after = await dumpTables(world.deps.sql);
    const isMessage = (row: string): boolean => row.startsWith("message ");
    const changed = [...after.difference(before)];
    assert.equal(changed.filter(isMessage).length, 3);
    const others = changed.filter((row) => !isMessage(row));
    assert.ok(others.length <= 2, others.join("\n"));
    for (const row of others) assert.match(row, /^(conversation_member|roster_version) \{"user_id":"?1"?,/);
    assert.equal(before.difference(after).size, others.length);
  });

  it("finds the members in portions when they are not in the hot store, and others send meanwhile", async () => {
    const other = await largeGroup(world, 2);
    const { hot } = world.node.broker.getLocalService("conversation") as unknown as HotStoreVars;
    await hot.conversations.invalidateMembers(large.conversationId);
    const portions: number[] = [];
    const end = intercept(world.node.broker, "group.memberStates", async (proceed, { limit }) => {
      const page = (await proceed()) as { members: unknown[] };
      portions.push(page.members.length);
      assert.ok(page.members.length <= limit!);
      await say(world, "1", other.conversationId);
      return page;
    });
    await say(world, large.members.at(-1)!, large.conversationId);
    end();
    assert.equal(
      portions.reduce((a, b) => a + b),
      SIZE,
    );
    assert.ok(portions.length >= 5);
  });
});

describe("the members of a group of 5,000", () => {
  it("are paged in an order that stays, each once, in the same few statements", async () => {
    const { groupId, members } = large;
    await world.as("1", "group.updateMember", { groupId, userId: members[4_000]!, role: "admin" });
    const seen: string[] = [];
    const statements = new Set<string>();
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = (): Promise<unknown> =>
        world
          .as("1", "group.members", { groupId, limit: 100, ...(cursor !== undefined && { cursor }) })
          .then(({ items, nextCursor }) => {
            seen.push(...items.map(({ userId }) => userId));
            cursor = nextCursor ?? undefined;
          });
      const { statements: made, calls } = await costOf(node(), page);
      statements.add(made.map((one) => one.replace(/ \d+$/, "").replace(/and \(role.*\)\)/s, "")).join("; "));
      assert.deepEqual(calls.map((one) => one.split(" ")[0]).sort(), ["group.members", "user.getMany"]);
      assert.ok(made.length <= 4, made.join("\n"));
      if (++pages === 10) await world.as(members[2_000]!, "group.removeMember", { groupId, userId: members[2_000]! });
      if (pages === 20) await world.as(members[2_000]!, "group.join", { groupId });
    } while (cursor !== undefined);
    assert.equal(pages, 50);
    assert.ok(statements.size <= 2, [...statements].join("\n"));
    assert.deepEqual(seen.slice(0, 2), ["1", members[4_000]]);
    assert.deepEqual(seen.slice(2), members.toSpliced(4_000, 1));
  });

  it("connect by one statement of their own rows", async () => {
    const cost = await costOf(node(), () => world.node.call("conversation.roomsOf", { userId: large.members.at(-1)! }));
    assert.equal(cost.statements.length, 1);
    assert.match(cost.statements[0]!, /^select .* 1$/);
  });

  it("who cannot see a message are found by an index, and quotes ask for no more than they need", async () => {
    const { conversationId } = large;
    const first = (await world.as("1", "message.history", { conversationId, afterSeq: 0, limit: 1 })).items[0] as {
      messageId: string;
    };
    const asked: unknown[] = [];
    const end = intercept(world.node.broker, "conversation.blindTo", async (proceed, { limit }) => {
      const blind = (await proceed()) as string[];
      asked.push([limit, blind.length]);
      return blind;
    });
    const from = world.told.length;
    await say(world, "1", conversationId, { replyTo: first.messageId });
    await waitFor(() => pushedSince(world, from, "message:new").length > 0, "the push");
    end();
    assert.deepEqual(asked, [[1, 1]]);
    const { dialect } = world.deps.sql;
    const plan = await rowsOf(
      `${dialect === "sqlite" ? "explain query plan" : "explain"} select user_id from conversation_member where conversation_id = :conversationId and active = 1 and min_seq > :seq limit :limit`,
      { conversationId, seq: 1_000_000, limit: 5_000 },
    );
    assert.match(JSON.stringify(plan), /conversation_member_bounds/);
  });
});

describe("what is done to a group of 5,000", () => {
  it("is told once: an announcement is one message and one push", async () => {
    const { groupId, conversationId } = large;
    const [from, before] = [world.told.length, (await readBy(world, "1", conversationId)).length];
    await world.as("1", "group.setAnnouncement", { groupId, text: "Hello all" });
    assert.deepEqual(pushedSince(world, from, "group:updated"), [`c:${conversationId}`]);
    assert.equal((await readBy(world, "1", conversationId)).length, before + 1);
  });

  it("holds no other message up when it is dissolved, and all are out of it", async () => {
    const [other, gone] = [await largeGroup(world, 2), await largeGroup(world, SIZE)];
    let [said, isDone] = [0, false];
    const dissolving = world.as("1", "group.dissolve", { groupId: gone.groupId }).then(() => (isDone = true));
    while (!isDone) {
      await say(world, "1", other.conversationId);
      said++;
    }
    await dissolving;
    await world.settled(); // who dissolves waits for a while only until all are out
    assert.ok(said > 3, `${said} messages meanwhile`);
    const [left] = await rowsOf("select count(*) as count from conversation_member where conversation_id = :id and active = 1", {
      id: gone.conversationId,
    });
    assert.equal(Number(left!["count"]), 0);
    const last = (await readBy(world, "1", gone.conversationId)).at(-1);
    assert.equal((await readBy(world, gone.members[2_500]!, gone.conversationId)).at(-1), last);
  });
});
