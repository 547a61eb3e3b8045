import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createServer, Socket, type AddressInfo, connect } from "node:net";
import { describe, it } from "node:test";
import { createClient, type KafkaConnection } from "../../mixins/message-log/kafka/client.ts";
import { calmRequestQueue } from "../../mixins/message-log/kafka/request-queue.ts";
import { silent } from "../support/database.ts";
import { waitFor } from "../support/wait.ts";

const connectionTo = (brokers: string[], more: Partial<KafkaConnection> = {}): KafkaConnection => ({
  ...{ brokers, clientId: "test", ssl: false, sasl: null, logger: silent, signal: new AbortController().signal },
  ...more,
});
const noRetry = { retries: 0 };

/** A connection that never comes to anything. */
const endless = (): Socket => new Socket();

describe("a client of Kafka", () => {
  it("finds a broker by its IPv6 address", async () => {
    const asked: (string | number)[][] = [];
    const refuse = (host: string, port: number): Socket => {
      asked.push([host, port]);
      const socket = new Socket();
      process.nextTick(() => socket.destroy(new Error("refused")));
      return socket;
    };
    const brokers = ["[2001:db8::1]:9092", "kafka.example:9093"];
    const { kafka } = createClient(connectionTo(brokers, { connect: refuse }), 100, { retries: 1, initialRetryTime: 1 });
    await assert.rejects(kafka.admin().connect(), /refused/);
    assert.deepEqual(asked, [
      ["2001:db8::1", 9092],
      ["kafka.example", 9093],
    ]);
  });

  it("speaks TLS where it is configured to", async (t) => {
    const firstBytes: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => undefined).once("data", (data) => firstBytes.push(data) && socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const through = { ssl: true, connect: () => connect(port, "127.0.0.1") };
    const { kafka } = createClient(connectionTo(["kafka.example:9093"], through), 100, noRetry);
    await assert.rejects(kafka.admin().connect());
    assert.deepEqual([...firstBytes[0]!.subarray(0, 2)], [0x16, 0x03], "a TLS handshake");
    assert.ok(firstBytes[0]!.includes("kafka.example"), "with the name of the broker");
  });

  it("lets go at once of what waits, and connects no more, when it is destroyed", async () => {
    let asked = 0;
    const through = { connect: () => (asked++, endless()) };
    const { kafka, destroy } = createClient(connectionTo(["kafka:9092"], through), 60_000, noRetry);
    const connecting = assert.rejects(kafka.admin().connect(), /given up/);
    await waitFor(() => asked === 1);
    destroy();
    await connecting;
    await assert.rejects(kafka.admin().connect(), /closed/);
    assert.equal(asked, 1);
  });

  it("is destroyed with all others of its log", async () => {
    const end = new AbortController();
    const connection = connectionTo(["kafka:9092"], { connect: endless, signal: end.signal });
    const connecting = [1, 2].map(() => createClient(connection, 60_000, noRetry).kafka.admin().connect());
    end.abort();
    for (const one of connecting) await assert.rejects(one);
    await assert.rejects(createClient(connection, 60_000, noRetry).kafka.admin().connect(), /closed/);
  });
});

describe("the queue of a connection's requests", () => {
  interface Queue {
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    push(request: unknown): void;
    scheduleCheckPendingRequests(): void;
  }
  const load = createRequire(import.meta.url);
  const RequestQueue = load("kafkajs/src/network/requestQueue") as new (options: object) => Queue;
  const create = (): Queue => {
    calmRequestQueue();
    return new RequestQueue({ requestTimeout: 1_000, enforceRequestTimeout: false, logger: silent, clientId: "t", broker: "b" });
  };

  it("is looked at by no timer while nothing waits", () => {
    const queue = create();
    queue.scheduleCheckPendingRequests();
    assert.equal(queue.throttleCheckTimeoutId, null);
  });

  it("sends what waited once the pause that the broker asked for is over", async () => {
    const queue = create();
    queue.throttledUntil = Date.now() + 30;
    let sentAt = 0;
    queue.push({
      entry: { correlationId: 1, resolve: () => undefined, reject: () => undefined },
      expectResponse: false,
      sendRequest: () => void (sentAt = Date.now()),
    });
    assert.equal(sentAt, 0);
    await waitFor(() => sentAt > 0);
    assert.ok(sentAt >= queue.throttledUntil);
    await waitFor(() => queue.throttleCheckTimeoutId === null);
  });
});
