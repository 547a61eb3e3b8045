import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { APPEND_TIMEOUT_MS } from "../../config/limits.ts";
import { PERSISTER_GROUP, type MessageLog } from "../../mixins/message-log/port.ts";
import { idsOf, record } from "../contract/message-log/harness.ts";
import { createKafkaWorld, type KafkaWorld } from "../support/kafka-log.ts";
import { buildRecord, newId } from "../support/records.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("kafka");
/** What a busy machine adds to a deadline. */
const GRACE_MS = 1_000;

/** Two nodes that append and consume for one group; each conversation is written by one of them, a record at a time. */
async function createLoad(world: KafkaWorld) {
  const logs = [await world.open(), await world.open()];
  const load = {
    logs,
    /** Ids in the order in which they were handled. */
    handled: [] as string[],
    /** What each conversation sent. */
    sent: [] as MessageRecord[][],
    acknowledged: 0,
    /** Milliseconds of the append that took the longest. */
    slowest: 0,
    async end() {
      isOver = true;
      await Promise.all(running);
    },
  };
  let isOver = false;
  for (const log of logs) {
    await record(log, PERSISTER_GROUP, ({ records }) => void load.handled.push(...records.map(({ messageId }) => messageId)));
  }

  /** Appends one record until it is acknowledged, as a sender that repeats and the compensator do. */
  const drive = async (log: MessageLog, one: MessageRecord): Promise<void> => {
    for (;;) {
      const took = stopwatch();
      const [outcome] = await log.append([one]);
      load.slowest = Math.max(load.slowest, took());
      if (outcome?.ok) return void load.acknowledged++;
      assert.ok(outcome?.retryable);
      await waitFor(() => log.isAccepting(), "the log takes records again", 60_000);
    }
  };
  const converse = async (log: MessageLog): Promise<void> => {
    const records: MessageRecord[] = [];
    const conversationId = `g_${newId()}`;
    load.sent.push(records);
    while (!isOver) {
      const next = buildRecord({ conversationId, seq: records.length + 1 });
      records.push(next);
      await drive(log, next);
    }
  };
  const running = logs.flatMap((log) => Array.from({ length: 3 }, () => converse(log)));
  return load;
}

describe("a Kafka of its own under load", { skip }, () => {
  let servers: Awaited<ReturnType<typeof ownServers<"kafka">>>;
  before(async () => {
    servers = await ownServers("kafka");
  });
  after(() => servers?.[Symbol.asyncDispose]());

  const outages: Record<string, (untilRefused: () => Promise<void>) => Promise<void>> = {
    async "killed and started again"(untilRefused) {
      await servers.kafka.kill();
      await untilRefused();
      await servers.kafka.restart();
    },
    async "frozen for longer than anything waits"(untilRefused) {
      await servers.kafka.pause();
      await untilRefused();
      await servers.kafka.resume();
    },
    "restarted in good order": () => servers.kafka.restart(),
  };
  for (const [name, suffer] of Object.entries(outages)) {
    it(`${name} loses nothing that it acknowledged, answers in time, and keeps the order`, async () => {
      await using world = await createKafkaWorld(servers.kafka.url);
      const load = await createLoad(world);
      const { logs, handled, sent } = load;
      await waitFor(() => handled.length > 500, "the load runs", 20_000);
      await suffer(async () => void (await waitFor(() => logs.every((log) => !log.isAccepting()), "both refuse", 20_000)));
      const [acknowledgedBefore, handledBefore] = [load.acknowledged, handled.length];
      await waitFor(() => load.acknowledged > acknowledgedBefore + 500, "it goes on", 60_000);
      await waitFor(() => handled.length > handledBefore + 500, "and so do its consumers", 10_000);
      await load.end();
      assert.equal(await logs[0]!.settled(PERSISTER_GROUP, 10_000), true);
      assert.ok(load.slowest < APPEND_TIMEOUT_MS + GRACE_MS, `an append took ${load.slowest} ms`);
      const firstTime = [...new Set(handled)];
      for (const records of sent) {
        const ids = new Set(idsOf(records));
        assert.deepEqual(
          firstTime.filter((id) => ids.has(id)),
          [...ids],
          "each once at least, in order",
        );
      }
      const told = world.lines.filter((line) => line.startsWith("warn: Messages cannot be written"));
      assert.ok(told.length <= logs.length, told.join("\n"));
    });
  }
});
