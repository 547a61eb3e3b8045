import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildUser, startIm, type Im } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
import { comeDue, later, runDue, scheduler } from "../support/scheduled.ts";
import { has, history, names, ok, refused, type Json, type Page } from "../support/wire.ts";

/** The wire contract of scheduled messages. */

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

const scheduledFields = "clientMsgId content conversationId createdAt scheduledId sendAt state type";

test("scheduled messages are made, listed, changed, cancelled and sent", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const path = "/messages/scheduled";
  const params = later(conversationId, "see you");
  const made = await ok(a.rest.post(path, params), 201);
  has(made, scheduledFields);
  assert.deepEqual({ ...made, ...params, state: "waiting" }, made);
  assert.deepEqual(await ok(a.rest.post(path, params)), made, "again: 200");
  assert.deepEqual(await ok<Page>(a.rest.get(path)), { items: [made], nextCursor: null });
  await refused(a.rest.post(path, { ...params, content: { text: "other" } }), 409, 3006);

  const one = `${path}/${String(made["scheduledId"])}`;
  const changed = await ok(a.rest.put(one, { content: { text: "see you soon" }, sendAt: params.sendAt + 1 }));
  assert.deepEqual(changed, { ...made, content: { text: "see you soon" }, sendAt: params.sendAt + 1 });
  await names(a.rest.put(one, {}), "content");
  await names(a.rest.put(one, { sendAt: Date.now() }), "sendAt");
  await names(a.rest.put(one, { state: "sent" }), "state");
  await names(a.rest.post(path, { ...params, sendAt: undefined }), "sendAt");
  await names(a.rest.get(`${path}?cursor=1`), "cursor");
  for (const who of [b, await buildUser(im)]) {
    await refused(who.rest.put(one, { sendAt: params.sendAt }), 404, 3015);
    await refused(who.rest.delete(one), 404, 3015);
  }

  await comeDue(im, { scheduledId: String(made["scheduledId"]) });
  assert.equal(await runDue(im), 1);
  const { items } = await history(b, conversationId);
  assert.deepEqual(
    items.map(({ content, senderId, clientMsgId }) => [content, senderId, clientMsgId]),
    [[{ text: "see you soon" }, a.userId, params.clientMsgId]],
  );
  const sent = await ok(a.rest.post(path, params));
  has(sent, scheduledFields, "messageId seq sentAt");
  assert.deepEqual([sent["state"], sent["content"], sent["messageId"]], ["sent", {}, items[0]?.["messageId"]]);
  await refused(a.rest.delete(one), 409, 3016);
  await refused(a.rest.put(one, { sendAt: params.sendAt }), 409, 3016);

  const other = await ok(a.rest.post(path, later(conversationId)), 201);
  for (let i = 0; i < 2; i++) assert.equal(await ok(a.rest.delete(`${path}/${String(other["scheduledId"])}`)), null);
  assert.deepEqual((await ok<Page>(a.rest.get(path))).items, []);
});

test("a scheduled message that is refused says why, in the language of the request", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const made = await ok<Json & { scheduledId: string }>(a.rest.post("/messages/scheduled", later(conversationId)), 201);
  await im.node.as(a.userId, "friend.remove", { userId: b.userId });
  await im.settled();
  await comeDue(im, made);
  assert.equal(await runDue(im), 1);
  const answer = await im.api(a.token).get<Page>("/messages/scheduled", { headers: { "accept-language": "zh" } });
  const [failed] = answer.data!.items;
  has(failed, scheduledFields, "failure");
  assert.deepEqual([failed?.["state"], failed?.["failure"]], ["failed", { code: 3002, message: "无法向对方发送消息。" }]);
  await im.settled();
  const { items } = await ok<Page>(a.rest.get("/notifications"));
  assert.equal(items[0]?.["type"], "message.schedule.failed");
});
