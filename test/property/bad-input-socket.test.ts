import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SOCKET_FRAME_BYTES } from "../../config/limits.ts";
import { socketMatrix } from "../e2e/authorization-matrix.ts";
import type { Ack, Client } from "../support/client.ts";
import { startIm } from "../support/im.ts";
import { readPublished, type PublishedEvent } from "../support/published.ts";
import { buildScene, type Role } from "../support/scene.ts";
import { assertUnchanged, dumpTables, sendersSettled } from "../support/tables.ts";
import { flaws, SchemaJudge } from "./bad-input.ts";
import { forAll } from "./for-all.ts";

/** Types of packets of Socket.IO: with and without binary parts. */
const ACKNOWLEDGEMENTS: readonly number[] = [3, 6];

/** Numbers of the acknowledgements that came over the wire: the client itself hides a second one. */
function acknowledgements({ socket }: Client): number[] {
  const ids: number[] = [];
  socket.io.on("packet", (packet) => {
    if (ACKNOWLEDGEMENTS.includes(packet.type)) ids.push(packet.id as number);
  });
  return ids;
}

/** Someone who could do it, were the payload not bad. */
function actorOf({ name }: PublishedEvent): Role {
  const outcomes = socketMatrix[name]?.outcomes;
  return (["owner", "member", "guest"] as const).find((role) => outcomes?.[role] === "ok") ?? "owner";
}

interface Refusal extends Ack<{ fields?: { field: string; message: string }[] }> {
  readonly code: number;
}

/** No field at all, which is a request where every field may be missing. */
const asksForNothing = (payload: readonly unknown[]): boolean => payload.length === 0 || payload[0] instanceof Map;

function assertRefused({ code, message, data }: Refusal, told: string): void {
  assert.ok(code > 0 && code !== 9000 && message !== "", `${told} gave ${code} ${JSON.stringify(data)?.slice(0, 300)}`);
  if (code === 9001) assert.ok(data?.fields && data.fields.length > 0, told);
}

test("whatever is wrong with an event, it is acknowledged once as refused and nothing is written", async () => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  await sendersSettled(im.sql);
  const { events, shapes } = await readPublished(im);
  const judge = new SchemaJudge(shapes);
  const before = await dumpTables(im.sql);
  for (const event of events) {
    await using client = await im.connect({ token: people[actorOf(event)].token });
    const acknowledged = acknowledgements(client);
    const good = { ...socketMatrix[event.name]?.params?.(names) };
    let sent = 0;
    await forAll(flaws(event.payload, good, judge), { runs: 60 }, async ({ aspect, text, field }) => {
      const told = `${event.name}, ${aspect}: ${text.slice(0, 200)}`;
      const answer = (await client.send(event.name, JSON.parse(text))) as Refusal;
      sent++;
      assertRefused(answer, told);
      if (answer.code === 9001 && field !== null)
        assert.ok(
          answer.data?.fields?.some((one) => one.field.startsWith(field.slice(0, 100))),
          `${told} ${JSON.stringify(answer)}`,
        );
    });
    assert.equal((await client.send("unknown")).code, 9010);
    assert.deepEqual([acknowledged.length, new Set(acknowledged).size], [sent + 1, sent + 1], event.name);
  }
  await assertUnchanged(im.sql, before);
});

test("whatever an event comes with, an acknowledgement that is asked for is called once", async () => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  await sendersSettled(im.sql);
  const before = await dumpTables(im.sql);
  await using client = await im.connect({ token: people.owner.token });
  const acknowledged = acknowledgements(client);
  const good = socketMatrix["message:send"]?.params?.(names);
  const payloads: unknown[][] = [
    ...[
      [],
      [null],
      [undefined],
      [good, good],
      [good, null],
      [[good]],
      [Buffer.from("{}")],
      [{ ...good, content: Buffer.alloc(9) }],
    ],
    ...[[5], ["text"], [true], [[]], [new Date()], [new Map()], [{ content: { text: Buffer.alloc(0) } }]],
  ];
  const events = [
    ...Object.keys(socketMatrix),
    "",
    "message",
    "message.send",
    "socket.deliver",
    "__proto__",
    "constructor",
    "x".repeat(9_999),
  ];
  const answers = events.flatMap((event) =>
    payloads.map(async (payload) => [event, payload, (await client.send(event, ...payload)) as Refusal] as const),
  );
  for (const [event, payload, answer] of await Promise.all(answers)) {
    if (event === "sync" && asksForNothing(payload)) assert.equal(answer.code, 0, "a client that knows nothing");
    else assertRefused(answer, event);
  }
  for (const event of events) for (const payload of payloads) client.socket.emit(event, ...payload);
  assert.equal((await client.send("unknown")).code, 9010);
  assert.deepEqual([acknowledged.length, new Set(acknowledged).size], [answers.length + 1, answers.length + 1]);
  await assertUnchanged(im.sql, before);
});

test("a frame that is too large ends its connection and nothing else", async () => {
  await using im = await startIm();
  const { people } = await buildScene(im);
  await using other = await im.connect({ token: people.owner.token });
  const client = await im.connect({ token: people.owner.token });
  client.socket.emit("message:send", { content: { text: "x".repeat(MAX_SOCKET_FRAME_BYTES) } });
  assert.match(await client.closed, /transport/);
  assert.equal((await other.send("unknown")).code, 9010);
});
