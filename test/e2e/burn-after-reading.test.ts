import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runOut } from "../support/burning.ts";
import { startIm, text, type Im } from "../support/im.ts";
import { sendFrom } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { runDue, scheduler } from "../support/scheduled.ts";
import { fields, has, history, names, ok, refused, say, send, type Json } from "../support/wire.ts";

/** The wire contract of messages that burn after reading. */

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

test("a message burns after reading: burnAfterMs when it is sent, burnsAt when it is read, recalled when its time is over", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const first = await say(a, conversationId, "by REST", { burnAfterMs: 5_000 });
  const writer = await im.connect({ token: a.token });
  const second = await sendFrom(writer, conversationId, "by socket", { burnAfterMs: 604_800_000 });
  const shown = async (seq: number): Promise<Json> => (await history(b, conversationId)).items.find((one) => one["seq"] === seq)!;
  has(await shown(first.seq), fields.message, "burnAfterMs");
  const readAt = Date.now();
  await ok(b.rest.put(`/social/conversations/${conversationId}/read`, { seq: second.seq }));
  for (const { seq, ms } of [
    { seq: first.seq, ms: 5_000 },
    { seq: second.seq, ms: 604_800_000 },
  ]) {
    const { burnsAt } = await shown(seq);
    assert.ok(Number(burnsAt) >= readAt + ms && Number(burnsAt) <= Date.now() + ms, `${Number(burnsAt) - readAt}`);
  }
  await runOut(im, { ...first, conversationId, createdAt: 0 });
  await runDue(im);
  const burnt = await shown(first.seq);
  has(burnt, fields.message, "burnAfterMs recalledAt");
  assert.deepEqual(burnt["content"], {});
  await refused(b.rest.post(`/messages/${first.messageId}/reactions`, { emoji: "👍" }), 409, 3013);
  has(await shown(second.seq), fields.message, "burnAfterMs burnsAt");
});

test("a time to burn that is out of range, or among more than two, names its field", async () => {
  const { a, conversationId } = await buildFriends(im);
  for (const burnAfterMs of [999, 604_800_001, "5000", null])
    await names(send(a, conversationId, "?", { burnAfterMs }), "burnAfterMs");
  const { group } = await ok<{ group: Json }>(a.rest.post("/social/groups", { name: "Group" }), 201);
  await names(send(a, String(group["conversationId"]), "?", { burnAfterMs: 5_000 }), "burnAfterMs");
  const client = await im.connect({ token: a.token });
  const answer = await client.send("message:send", { ...text(conversationId), burnAfterMs: 1 });
  assert.equal(answer.code, 9001);
});
