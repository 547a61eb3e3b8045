import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { JetStreamEventStream } from "../../mixins/event-stream/jetstream.ts";
import type { JetStreamNames } from "../../mixins/event-stream/jetstream-names.ts";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { silent } from "../support/database.ts";
import { ownNames, removeStreams } from "../support/jetstream.ts";
import { runProcess, type RunningProcess } from "../support/server-process.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const nats = await serversFor("nats");
const KEYS = 10;
const SUBJECT = "im.test.changed";

/** A stream of this test alone, and what opens it as other nodes do. */
async function createCluster() {
  const names = ownNames();
  const noDeadEvents = { put: async () => undefined, list: async () => [], remove: async () => undefined };
  const streams: JetStreamEventStream[] = [];
  const open = async (): Promise<JetStreamEventStream> => {
    const options = { url: nats.url, names, nodeId: `n${streams.length}`, deadEvents: noDeadEvents, logger: silent };
    const stream = await JetStreamEventStream.open(options);
    streams.push(stream);
    return stream;
  };
  const publisher = await open();
  const next = new Map<string, number>();
  return {
    names,
    open,
    /** So many events, their numbers counted for each key from 0. */
    async publish(count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        const key = `k${n % KEYS}`;
        const payload = next.get(key) ?? 0;
        next.set(key, payload + 1);
        await publisher.publish({ eventId: randomUUID(), subject: SUBJECT, key, payload, at: 0, requestId: null });
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(streams.map((stream) => stream.close()));
      await removeStreams(nats.url, names);
    },
  };
}

const startNode = (names: JetStreamNames, workMs: number): RunningProcess =>
  runProcess(["test/support/event-node.ts", nats.url, JSON.stringify(names), "c", SUBJECT, String(workMs)]);

/** The numbers of each key that a node has begun, or ended, in its order. */
function numbersOf({ written: { out } }: RunningProcess, word: "begin" | "end"): Map<string, number[]> {
  const steps = [...out.matchAll(new RegExp(`^${word} (\\S+) (\\d+)$`, "gm"))].map(([, key, n]) => [key!, Number(n)] as const);
  return new Map([...Map.groupBy(steps, ([key]) => key)].map(([key, ofKey]) => [key, ofKey.map(([, n]) => n)]));
}
const countOf = (node: RunningProcess, word: "begin" | "end"): number =>
  [...numbersOf(node, word).values()].reduce((sum, { length }) => sum + length, 0);

/** Whoever came later began where the first one stood, or with what that one had not told to be done. */
function assertOrder(first: RunningProcess, second: RunningProcess, ofEach: number): void {
  for (let k = 0; k < KEYS; k++) {
    const [before, after] = [first, second].map((node) => numbersOf(node, "begin").get(`k${k}`) ?? []) as [number[], number[]];
    assert.deepEqual(before, before.keys().toArray(), `k${k} at first`);
    const from = after[0] ?? ofEach;
    assert.ok(from <= before.length, `k${k} was left at ${before.length} and taken up at ${from}`);
    assert.deepEqual(
      after,
      Array.from({ length: ofEach - from }, (_, n) => from + n),
      `k${k} afterwards`,
    );
  }
}

describe("consumers of several nodes on JetStream", { skip: nats.skip, concurrency: true }, () => {
  it("are read by one node; when it leaves, the next one goes on behind what it did", async () => {
    await using cluster = await createCluster();
    const handled: string[] = [];
    const subscribe = (stream: JetStreamEventStream, node: string) =>
      stream.subscribe({
        consumer: "c",
        subjects: [SUBJECT],
        handle: async ({ key, payload }: DomainEvent) => void handled.push(`${node} ${key} ${String(payload)}`),
      });
    const [one, two] = [await cluster.open(), await cluster.open()];
    await subscribe(one, "one");
    await subscribe(two, "two");
    await cluster.publish(100);
    await waitFor(() => handled.length === 100);
    await one.close();
    await cluster.publish(100);
    await waitFor(() => handled.length === 200);
    const ofOneKey = handled.filter((entry) => entry.includes(" k3 "));
    assert.deepEqual(
      ofOneKey,
      Array.from({ length: 20 }, (_, n) => `${n < 10 ? "one" : "two"} k3 ${n}`),
    );
  });

  it("get new events from a NATS that lost all it had", async () => {
    await using cluster = await createCluster();
    const handled: unknown[] = [];
    const handle = async ({ payload }: DomainEvent): Promise<void> => void handled.push(payload);
    await (await cluster.open()).subscribe({ consumer: "c", subjects: [SUBJECT], handle });
    await cluster.publish(KEYS);
    await waitFor(() => handled.length === KEYS);
    await removeStreams(nats.url, cluster.names);
    await waitFor(
      () =>
        cluster.publish(1).then(
          () => true,
          () => false,
        ),
      "the stream to be made again",
    );
    await waitFor(() => handled.length > KEYS, "a new event", 15_000);
  });

  it("go on at another node when the one that reads is killed, with nothing lost and in order", { timeout: 60_000 }, async () => {
    await using cluster = await createCluster();
    await using first = startNode(cluster.names, 20);
    await waitFor(() => first.written.out.includes("ready"), "the first node", 20_000);
    await using second = startNode(cluster.names, 0);
    await waitFor(() => second.written.out.includes("ready"), "the second node", 20_000);
    await cluster.publish(400);
    await waitFor(() => countOf(first, "end") > 50, "the first node at work");
    first.child.kill("SIGKILL");
    await first.ended;
    const [begun, ended] = [numbersOf(first, "begin"), numbersOf(first, "end")];
    await cluster.publish(50);
    const last = (k: number): number | undefined => numbersOf(second, "end").get(`k${k}`)?.at(-1);
    await waitFor(() => Array.from({ length: KEYS }, (_, k) => last(k)).every((n) => n === 44), "all at the second", 20_000);
    assertOrder(first, second, 45);
    for (const [key, numbers] of begun) {
      const from = numbersOf(second, "begin").get(key)![0]!;
      assert.ok(from <= (ended.get(key)?.length ?? 0), `${key}: ${numbers.length} begun, taken up at ${from}`);
    }
  });

  it("are not touched again by a node that was frozen for longer than its lease", { timeout: 60_000 }, async () => {
    await using cluster = await createCluster();
    await using first = startNode(cluster.names, 50);
    await waitFor(() => first.written.out.includes("ready"), "the first node", 20_000);
    await using second = startNode(cluster.names, 0);
    await waitFor(() => second.written.out.includes("ready"), "the second node", 20_000);
    await cluster.publish(200);
    await waitFor(() => countOf(first, "end") > 30, "the first node at work");
    first.child.kill("SIGSTOP");
    await cluster.publish(200); // for the second, whatever the first has done by now
    const last = (k: number): number | undefined => numbersOf(second, "end").get(`k${k}`)?.at(-1);
    await waitFor(() => Array.from({ length: KEYS }, (_, k) => last(k)).every((n) => n === 39), "all at the second", 20_000);
    const begun = countOf(first, "begin");
    first.child.kill("SIGCONT");
    await waitFor(() => countOf(first, "end") === begun, "the first node to end what it had begun");
    await cluster.publish(100);
    await waitFor(() => Array.from({ length: KEYS }, (_, k) => last(k)).every((n) => n === 49), "the rest", 20_000);
    assert.equal(countOf(first, "begin"), begun);
    assertOrder(first, second, 50);
  });
});
