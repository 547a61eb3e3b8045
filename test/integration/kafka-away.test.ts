import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PERSISTER_GROUP } from "../../mixins/message-log/port.ts";
import { areOk, idsOf, record } from "../contract/message-log/harness.ts";
import { createKafkaWorld } from "../support/kafka-log.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const kafka = await serversFor("kafka");
const APPEND_TIMEOUT_MS = 500;
/** Where writes must end in time, as they do on a busy machine too. */
const PATIENT_MS = 2_000;
const unavailable = { type: "UNAVAILABLE", retryable: true };
/** Beside the network link, as a node on another machine would. */
const direct = { connect: undefined };

/** Milliseconds that `work` takes, however it ends, as `stopwatch` measures them. */
async function timeOf(work: Promise<unknown>): Promise<number> {
  const took = stopwatch();
  await Promise.allSettled([work]);
  return took();
}

describe("a Kafka that is away", { skip: kafka.skip }, () => {
  it("is named in one line when nobody answers there", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const opening = world.open({ brokers: ["127.0.0.1:1"], ...direct });
    assert.ok((await timeOf(opening)) < 5_000);
    await assert.rejects(opening, /^Error: Kafka at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED[^\n]*$/);
    await world.open(direct);
  });

  it("is named in time when it is frozen, and no connection to it stays", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const release = world.link.hold();
    const opening = world.open();
    assert.ok((await timeOf(opening)) < 5_000);
    await assert.rejects(opening, new RegExp(`^Error: Kafka at ${kafka.url} cannot be used: [^\\n]*no answer[^\\n]*$`));
    release();
    await waitFor(() => world.link.open === 0, "nothing is left open");
    await world.open(direct);
  });

  it("keeps nobody waiting", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open({ appendTimeoutMs: APPEND_TIMEOUT_MS });
    await record(log, PERSISTER_GROUP);
    const release = world.link.hold();
    const [pinging, asking] = [log.ping(), log.lag(PERSISTER_GROUP)];
    const burying = log.bury([{ record: buildRecord(), reason: "test", at: 1 }]);
    const [appending, settling] = [log.append(buildRecords(2)), log.settled(PERSISTER_GROUP, 300)];
    const took = await Promise.all([pinging, asking, burying, appending, settling].map(timeOf));
    assert.ok(took.every((ms) => ms < 2_200) && took[4]! < 1_000, took.join());
    for (const asked of [pinging, asking, burying]) await assert.rejects(asked, unavailable);
    assert.equal(await settling, false);
    assert.ok((await appending).every((outcome) => !outcome.ok && outcome.retryable));
    await waitFor(() => !log.isAccepting(), "it says that it takes nothing");
    assert.ok((await timeOf(log.append(buildRecords(1)))) < 50);
    await assert.rejects(log.ping(), unavailable);
    assert.ok((await timeOf(log.close())) < 8_000);
    release();
  });

  it("gets records in their order however often it is lost, and is told of once each time", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open({ appendTimeoutMs: APPEND_TIMEOUT_MS });
    const seen = await record(await world.open(direct), PERSISTER_GROUP);
    const records = buildRecords(600);
    for (let from = 0, outages = 0; from < records.length; from += 20) {
      const [repair, batch] = [from % 200 === 100 ? world.link.cut() : null, records.slice(from, from + 20)];
      const appended = log.append(batch);
      if (repair) {
        assert.ok(!areOk(await appended));
        await waitFor(() => !log.isAccepting(), "it takes nothing any more");
        assert.equal(world.lines.filter((line) => line.startsWith("warn: Messages cannot be written")).length, ++outages);
        repair();
        await waitFor(() => log.isAccepting(), "it takes records again");
      }
    }
    await waitFor(() => new Set(seen.ids()).size === 600, "all of them", 20_000);
    assert.deepEqual([...new Set(seen.ids())], idsOf(records));
    const told = world.lines.filter((line) => line.includes("written"));
    assert.deepEqual(
      told.map((line) => line.split(" ").slice(0, 4).join(" ")),
      Array(3).fill(["warn: Messages cannot be", "info: Messages are written"]).flat(),
    );
  });

  it("is written to on another connection when one gets no answer, and late records are told of", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open({ appendTimeoutMs: PATIENT_MS });
    const late: string[] = [];
    log.onLate((records) => void late.push(...idsOf(records)));
    assert.ok(areOk(await log.append(buildRecords(1))));
    world.link.strand();
    const records = buildRecords(2);
    assert.ok(!areOk(await log.append(records)));
    await waitFor(() => late.length === 2, "they are in the log", 10_000);
    assert.deepEqual(late, idsOf(records));
    assert.ok(areOk(await log.append(buildRecords(1))));
  });

  it("is left by a consumer that hears nothing from it, and read on another connection", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const [log, other] = [await world.open({ silenceMs: 3_000 }), await world.open(direct)];
    const seen = await record(log, PERSISTER_GROUP);
    await other.append(buildRecords(1));
    await waitFor(() => seen.ids().length === 1);
    world.link.strand();
    assert.ok(areOk(await other.append(buildRecords(2))));
    await waitFor(() => new Set(seen.ids()).size === 3, "it goes on", 20_000);
    const told = world.lines.filter((line) => line.includes("Group persister"));
    assert.equal(told.length, 2, told.join("\n"));
    assert.match(told[0]!, /^warn: Group persister cannot read from Kafka: the consumer gives no sign of life/);
    assert.match(told[1]!, /^info: Group persister reads from Kafka again/);
  });

  it("keeps a consumer that begins waiting until it is back, or until it is not wanted any more", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const log = await world.open();
    const repair = world.link.cut();
    const beginning = record(log, PERSISTER_GROUP);
    await waitFor(() => world.lines.some((line) => line.startsWith("warn: Group persister cannot read from Kafka")));
    repair();
    await beginning;
    world.link.cut();
    const unwanted = record(log, "search");
    const refused = assert.rejects(unwanted, /stopped before it was joined/);
    await log.close();
    await refused;
  });
});

describe("members of one group on Kafka", { skip: kafka.skip }, () => {
  it("share the records, and lose none when one comes or goes", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const [first, second] = [await world.open(), await world.open()];
    const conversations = Array.from({ length: 12 }, () => buildRecords(60));
    const append = async (from: number, to: number): Promise<void> => {
      for (let seq = from; seq < to; seq++) assert.ok(areOk(await first.append(conversations.map((records) => records[seq]!))));
    };
    const handled: string[] = [];
    const note = ({ records }: { records: readonly { messageId: string }[] }): void =>
      void handled.push(...records.map(({ messageId }) => messageId));
    const consume = (log: typeof first) => record(log, PERSISTER_GROUP, note, 10);
    const one = await consume(first);
    await append(0, 20);
    const [two] = await Promise.all([consume(second), append(20, 40)]);
    await append(40, 50);
    await waitFor(() => two.ids().length, "the second has its share", 15_000);
    await Promise.all([one.stop(), append(50, 60)]);
    assert.equal(await second.settled(PERSISTER_GROUP, 15_000), true);
    const firstTime = [...new Set(handled)];
    assert.equal(firstTime.length, 12 * 60);
    for (const records of conversations) {
      const ids = new Set(idsOf(records));
      assert.deepEqual(
        firstTime.filter((id) => ids.has(id)),
        [...ids],
      );
    }
    assert.ok(handled.length < 2 * firstTime.length, `${handled.length} for ${firstTime.length}`);
  });

  it("take over what another had begun and not ended when that dies", async () => {
    await using world = await createKafkaWorld(kafka.url);
    const [dying, other] = [await world.open(), await world.open(direct)];
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await record(dying, PERSISTER_GROUP, () => {
      begun.resolve();
      return gate.promise;
    });
    const records = buildRecords(3);
    assert.ok(areOk(await other.append(records)));
    await begun.promise;
    world.link.cut();
    const seen = await record(other, PERSISTER_GROUP);
    await waitFor(() => seen.ids().length === 3, "the other has them", 20_000);
    assert.deepEqual(seen.ids(), idsOf(records));
    gate.resolve();
  });
});
