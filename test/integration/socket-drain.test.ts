import assert from "node:assert/strict";
import { test } from "node:test";
import { drain } from "../../mixins/drain.ts";
import { befriend, buildUser, startIm, text } from "../support/im.ts";

test("a node that stops takes no more events of those who are connected, so that its work comes to an end", async () => {
  await using im = await startIm();
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  await using client = await im.connect({ token: a.token });
  assert.equal((await client.send("message:send", text(conversationId))).code, 0);
  await drain(im.broker, 1_000);
  const refused = await client.send("message:send", text(conversationId));
  assert.equal(refused.code, 9006);
  assert.equal(
    (await im.sql.select("select seq from message where conversation_id = :conversationId", { conversationId })).length,
    1,
  );
});
