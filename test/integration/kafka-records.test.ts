import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KafkaMessage } from "kafkajs";
import { consumerGroupId, topicsOf } from "../../config/topics.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { PERSISTER_GROUP } from "../../mixins/message-log/port.ts";
import { idsOf, record } from "../contract/message-log/harness.ts";
import { readTopic, withAdmin, writeTopic } from "../support/kafka.ts";
import { createKafkaWorld } from "../support/kafka-log.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const kafka = await serversFor("kafka");
const headersOf = ({ headers }: KafkaMessage) =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
const jsonOf = ({ value }: KafkaMessage) => JSON.parse(String(value)) as unknown;

describe("records in Kafka", { skip: kafka.skip }, () => {
  it("stand in the topic of their kind of conversation, under its id, with request and trace in headers", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const direct = buildRecord({ conversationId: "d_1_2", requestId: "r-1", traceparent: "00-ab-cd-01" });
    const [inGroup, service] = [buildRecord(), buildRecord({ conversationId: "s_9" })];
    await log.append([direct, inGroup, service]);
    const topics = topicsOf(world.topicPrefix);
    const messages = await readTopic(kafka.url, topics.private, 2);
    const found = messages.find(({ key }) => String(key) === "d_1_2");
    assert.ok(found);
    assert.deepEqual(
      [jsonOf(found), headersOf(found)],
      [direct, { "im-schema-version": "1", "im-request-id": "r-1", traceparent: "00-ab-cd-01" }],
    );
    assert.deepEqual((await readTopic(kafka.url, topics.group, 1)).map(jsonOf), [inGroup]);
  });

  it("of several partitions make one batch", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const records = Array.from({ length: 300 }, (_, i) => buildRecord({ conversationId: i % 2 ? `g_${i + 1}` : `d_${i}_999` }));
    await log.append(records);
    const seen = await record(log, PERSISTER_GROUP, undefined, 1_000);
    await waitFor(() => seen.ids().length === 300);
    assert.ok(seen.batches.length < 6, `${seen.batches.length} batches of six partitions`);
  });

  it("that are too large are refused for good, and those beside them are not", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const records = buildRecords(3);
    const [first, large, last] = [records[0]!, { ...records[1]!, content: { text: "x".repeat(1_200_000) } }, records[2]!];
    const [before, refused, after] = await log.append([first, large, last]);
    assert.deepEqual([before, after], [{ ok: true }, { ok: true }]);
    assert.ok(refused && !refused.ok && !refused.retryable && /MESSAGE_TOO_LARGE/.test(refused.reason));
    assert.equal(log.isAccepting(), true);
  });

  it("that cannot be read are kept as they came, once, and hold up no group", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const topics = topicsOf(world.topicPrefix);
    const [first, last] = buildRecords(2) as [MessageRecord, MessageRecord];
    const groups = [await record(log, PERSISTER_GROUP), await record(log, "search")] as const;
    await log.append([first]);
    const poison = [Buffer.from([0, 255, 1]), Buffer.from("{}"), null];
    await writeTopic(
      kafka.url,
      topics.group,
      poison.map((value) => ({ key: first.conversationId, value })),
    );
    await log.append([last]);
    for (const group of groups) {
      await waitFor(() => group.ids().length === 2);
      assert.deepEqual(group.ids(), idsOf([first, last]));
    }
    assert.ok((await log.settled(PERSISTER_GROUP, 5_000)) && (await log.settled("search", 5_000)));
    const kept = await readTopic(kafka.url, topics.dead, 3);
    assert.deepEqual(
      kept.map(({ value }) => value),
      poison,
    );
    assert.deepEqual(
      kept.map((message) => headersOf(message)["im-dead-reason"]),
      ["it cannot be read", "it is not the record of a message", "it has no value"],
    );
    assert.match(headersOf(kept[0]!)["im-dead-from"] ?? "", new RegExp(`^${topics.group}/\\d/1$`));
    assert.equal(world.lines.filter((line) => /^error: Record \d of .* is a dead letter/.test(line)).length, 3);
    assert.deepEqual(await log.deadLetters(10), []);
  });

  it("that nobody can write are told of outside without their words", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const poison = buildRecord({ content: { text: "secret words" } });
    await record(log, PERSISTER_GROUP, ({ records }) => ({
      rejected: records.map((one) => ({ record: one, reason: "too odd" })),
    }));
    await log.append([poison]);
    const [told] = await readTopic(kafka.url, topicsOf(world.topicPrefix).dead, 1);
    assert.ok(told && !String(told.value).includes("secret"));
    const { messageId, conversationId, seq, senderId } = poison;
    assert.partialDeepStrictEqual(jsonOf(told), { messageId, conversationId, seq, senderId, reason: "too odd" });
    assert.deepEqual(
      (await log.deadLetters(10)).map((letter) => letter.record),
      [poison],
    );
  });

  it("reach a group again from the first one on when its offsets are forgotten", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const records = buildRecords(30);
    await log.append(records);
    const first = await record(log, PERSISTER_GROUP, undefined, 7);
    await waitFor(() => first.ids().length === 30);
    await first.stop();
    await withAdmin(kafka.url, (admin) => admin.deleteGroups([consumerGroupId(world.topicPrefix, PERSISTER_GROUP)]));
    const again = await record(log, PERSISTER_GROUP, undefined, 7);
    await waitFor(() => again.ids().length === 30);
    assert.deepEqual(again.ids(), idsOf(records));
  });

  it("that Kafka has dropped unread are passed over, which is said", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const [dropped, kept] = [buildRecords(3), buildRecords(2)];
    const first = await record(log, PERSISTER_GROUP);
    await log.append(dropped.slice(0, 1));
    await waitFor(() => first.ids().length === 1);
    await first.stop();
    const conversationId = dropped[0]!.conversationId;
    await log.append([...dropped.slice(1), ...kept.map((one) => ({ ...one, conversationId }))]);
    const { group: topic } = topicsOf(world.topicPrefix);
    await withAdmin(kafka.url, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic);
      const { partition } = offsets.find(({ high }) => high === "5")!;
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: "3" }] });
    });
    const second = await record(log, PERSISTER_GROUP);
    await waitFor(() => second.ids().length === 2);
    assert.deepEqual(second.ids(), idsOf(kept));
    assert.equal(await log.settled(PERSISTER_GROUP, 5_000), true);
    assert.ok(world.lines.some((line) => line.startsWith("warn: Kafka has dropped what a group had not read")));
  });
});
