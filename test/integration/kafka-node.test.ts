import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { consumerGroupId } from "../../config/topics.ts";
import type { Config } from "../../config/config.ts";
import type { Message } from "../../contracts/entities.ts";
import { PERSISTER_GROUP } from "../../mixins/message-log/port.ts";
import { breakMessages, refuseText } from "../support/faults.ts";
import { befriend, buildUser, startIm, text, type Im, type ImOptions } from "../support/im.ts";
import { removeTopics, uniquePrefix, withAdmin } from "../support/kafka.ts";
import { edit, recall, send } from "../support/messages.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const kafka = await serversFor("kafka");

describe("a node whose message log is Kafka", { skip: kafka.skip }, () => {
  const prefixes: string[] = [];
  const newPrefix = (): string => {
    prefixes.push(uniquePrefix());
    return prefixes.at(-1)!;
  };
  after(async () => {
    for (const prefix of prefixes) await removeTopics(kafka.url, prefix);
  });

  const start = (config: Partial<Config> = {}, options: ImOptions = {}): Promise<Im> =>
    startIm({ kafkaBrokers: [kafka.url], kafkaTopicPrefix: newPrefix(), kafkaPartitions: 3, ...config }, options);
  const statusOf = async (im: Im) => ({
    persister: await im.node.call("persister.status", {}),
    compensator: await im.node.call("compensator.status", {}),
  });
  const createChat = async (im: Im) => {
    const [a, b] = [await buildUser(im), await buildUser(im)];
    return { a, b, conversationId: await befriend(im, a, b) };
  };
  const rowsOf = (im: Im) => im.sql.select("select * from message order by conversation_id, seq");

  it("acknowledges and shows what is in the log, and has it in the database a little later", async () => {
    await using im = await start();
    const { a, b, conversationId } = await createChat(im);
    const reader = await im.connect({ token: b.token });
    const repair = breakMessages(im.sql);
    const sent = await send(im, a, conversationId, "before it is stored");
    await reader.next<Message>("message:new", ({ messageId }) => messageId === sent.messageId);
    const { items } = await im.node.as(b.userId, "message.history", { conversationId });
    assert.deepEqual(
      items.map(({ seq }) => seq),
      [sent.seq],
    );
    assert.equal((await rowsOf(im)).length, 0);
    assert.equal((await statusOf(im)).compensator.pending, 1);
    repair();
    await waitFor(async () => (await rowsOf(im)).length === 1, "it is stored");
    await waitFor(async () => (await statusOf(im)).compensator.pending === 0, "and pending no more");
    assert.equal(await im.log.settled(PERSISTER_GROUP, 5_000), true);
  });

  it("changes no byte when the whole topic comes once more", async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), "im-test-"));
    t.after(() => rm(dataDir, { recursive: true }));
    const kafkaTopicPrefix = newPrefix();
    const first = await start({ kafkaTopicPrefix }, { dataDir });
    const { a, conversationId } = await createChat(first);
    const sent = [];
    for (const words of ["kept", "edited", "recalled"]) sent.push(await send(first, a, conversationId, words));
    await waitFor(async () => (await rowsOf(first)).length === 3);
    await edit(first, a, sent[1]!, "better");
    await recall(first, a, sent[2]!);
    const before = await rowsOf(first);
    await first.stop();
    await withAdmin(kafka.url, (admin) => admin.deleteGroups([consumerGroupId(kafkaTopicPrefix, PERSISTER_GROUP)]));
    await using second = await start({ kafkaTopicPrefix }, { dataDir });
    await waitFor(async () => (await statusOf(second)).persister.persisted === 3, "all of it came again");
    assert.equal(await second.log.settled(PERSISTER_GROUP, 5_000), true);
    assert.deepEqual(await rowsOf(second), before);
    assert.deepEqual(await second.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("holds the place of what it acknowledged and the database refuses, and gives it its words when it is redriven", async () => {
    await using im = await start();
    const { a, b, conversationId } = await createChat(im);
    const reader = await im.connect({ token: b.token });
    const allow = await refuseText(im.sql, "poison");
    const poison = text(conversationId, "a poison");
    const sent = await im.node.as(a.userId, "message.send", poison);
    assert.equal(sent.seq, 1);
    assert.equal((await send(im, a, conversationId, "later")).seq, 2);
    await waitFor(async () => (await statusOf(im)).persister.dead === 1, "it is dead");
    await waitFor(async () => (await statusOf(im)).compensator.pending === 0, "nothing is pending");
    const read = async () => (await im.node.as(b.userId, "message.history", { conversationId })).items;
    const placesOf = async () =>
      (await read()).map((item) => ("content" in item ? [item.seq, item.messageId, item.content] : item));
    const [, later] = await placesOf();
    assert.deepEqual(await placesOf(), [[1, sent.messageId, {}], later]);
    await waitFor(async () => (await im.node.call("persister.deadLetters", { limit: 10 })).length === 1, "the dead letter");
    assert.equal((await im.sql.select("select 1 from outbox where subject = 'im.system.alert.triggered'")).length, 1);
    assert.deepEqual(await im.node.as(a.userId, "message.send", poison), sent, "its sender gets the same answer");
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 0 }, "it is refused still");
    await allow();
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    assert.deepEqual(await placesOf(), [[1, sent.messageId, { text: "a poison" }], later]);
    const told = await reader.next<Message>("message:updated", ({ messageId }) => messageId === sent.messageId);
    assert.deepEqual(told.content, { text: "a poison" });
    assert.deepEqual(await im.node.as(a.userId, "message.send", poison), sent, "as before");
  });

  it("gives no words back to what was recalled while it was a dead letter", async () => {
    await using im = await start();
    const { a, conversationId } = await createChat(im);
    const allow = await refuseText(im.sql, "poison");
    const sent = await send(im, a, conversationId, "a poison");
    await waitFor(async () => (await im.node.call("persister.deadLetters", { limit: 10 })).length === 1, "the dead letter");
    await recall(im, a, sent);
    await allow();
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    const [row, ...others] = await rowsOf(im);
    assert.deepEqual([String(row!["message_id"]), row!["content"], others], [sent.messageId, "{}", []]);
    assert.deepEqual(await im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("gives nothing up while its persister is behind, however long that takes", async () => {
    await using im = await start({ compensateAfterMs: 10, compensateEveryMs: 10, compensateTries: 1 });
    const { a, conversationId } = await createChat(im);
    const repair = breakMessages(im.sql);
    await send(im, a, conversationId);
    const { runs } = (await statusOf(im)).compensator;
    await waitFor(async () => (await statusOf(im)).compensator.runs! >= runs! + 2, "the compensator looked", 15_000);
    assert.deepEqual(
      [(await statusOf(im)).persister.dead, await im.log.lag(PERSISTER_GROUP)],
      [0, 1],
      "and logged it no second time",
    );
    repair();
    await waitFor(async () => (await statusOf(im)).compensator.pending === 0);
    assert.equal((await rowsOf(im)).length, 1);
  });
});
