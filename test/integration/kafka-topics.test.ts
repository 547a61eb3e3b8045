import assert from "node:assert/strict";
import { describe, it } from "node:test";
import kafkajs from "kafkajs";
import { topicsOf } from "../../config/topics.ts";
import { withAdmin } from "../support/kafka.ts";
import { createKafkaWorld } from "../support/kafka-log.ts";
import { buildRecords } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";

const kafka = await serversFor("kafka");

describe("the topics of the message log", { skip: kafka.skip }, () => {
  it("are made where they are missing, also when several nodes begin at the same time", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const logs = await Promise.all([1, 2, 3].map(() => world.open({ partitions: 4 })));
    for (const log of logs) assert.deepEqual(await log.append(buildRecords(1)), [{ ok: true }]);
    const topics = topicsOf(world.topicPrefix);
    const found = await withAdmin(kafka.url, (admin) =>
      admin.fetchTopicMetadata({ topics: [topics.private, topics.group, topics.dead] }),
    );
    assert.deepEqual(
      new Map(found.topics.map(({ name, partitions }) => [name, partitions.length])),
      new Map([
        [topics.private, 4],
        [topics.group, 4],
        [topics.dead, 1],
      ]),
    );
  });

  it("keep messages for a week, and say that one broker alone has them", async () => {
    await using world = await createKafkaWorld(kafka.url);
    await world.open();
    const name = topicsOf(world.topicPrefix).group;
    const { resources } = await withAdmin(kafka.url, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: ["retention.ms", "cleanup.policy"] }],
      }),
    );
    assert.deepEqual(
      new Map(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue])),
      new Map([
        ["retention.ms", "604800000"],
        ["cleanup.policy", "delete"],
      ]),
    );
    const [warning, ...others] = world.lines;
    assert.match(warning ?? "", /^warn: What is acknowledged is on one broker only, .*im-message-group/);
    assert.deepEqual(others, []);
  });

  it("stay as they are where they exist, since a conversation must not change its partition", async () => {
    await using world = await createKafkaWorld(kafka.url);
    await world.open({ partitions: 2 });
    const log = await world.open({ partitions: 5 });
    assert.deepEqual(await log.append(buildRecords(1)), [{ ok: true }]);
    assert.ok(world.lines.some((line) => /^warn: Topic .*im-message-private has 2 partitions, not the 5/.test(line)));
  });

  it("cannot have more copies than there are brokers, which is said", async () => {
    await using world = await createKafkaWorld(kafka.url);
    await assert.rejects(
      world.open({ replicationFactor: 3 }),
      /^Error: Kafka at 127\.0\.0\.1:\d+ cannot be used: .*replication/i,
    );
    await world.open();
  });
});
