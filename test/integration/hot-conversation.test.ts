import assert from "node:assert/strict";
import { test } from "node:test";
import { CONVERSATION_PACE } from "../../config/limits.ts";
import type { Message, SendResult } from "../../contracts/entities.ts";
import { isImError } from "../../lib/errors.ts";
import { befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

const { mostPerSecond, burstMs } = CONVERSATION_PACE;
const BURST = (mostPerSecond * burstMs) / 1_000;

/** Sends so many at once. */
const hammer = (im: Im, { userId }: TestUser, conversationId: string, count: number) =>
  Promise.allSettled(Array.from({ length: count }, () => im.node.as(userId, "message.send", text(conversationId))));

test("a conversation that is sent to too fast is throttled, and one beside it does not notice", { timeout: 60_000 }, async () => {
  await using im = await startIm({ rateLimits: true });
  const [ann, bob, cid] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  const { conversationId } = await buildGroup(im, ann, [bob, cid]);
  const direct = await befriend(im, bob, cid);
  const before = (await im.node.as(ann.userId, "message.send", text(conversationId))).seq;
  const client = await im.connect({ token: bob.token });
  const startedAt = performance.now();
  const hammered = hammer(im, ann, conversationId, 10 * BURST);
  const beside = await Promise.all(
    Array.from({ length: 20 }, () => im.node.as(cid.userId, "message.send", text(direct, "beside"))),
  );
  const outcomes = await hammered;
  const most = BURST + (mostPerSecond * (performance.now() - startedAt)) / 1_000;

  const accepted = outcomes.flatMap((outcome): SendResult[] => (outcome.status === "fulfilled" ? [outcome.value] : []));
  assert.ok(accepted.length >= BURST - 1 && accepted.length <= most, `${accepted.length} of at most ${most} accepted`);
  assert.deepEqual(
    accepted.map(({ seq }) => seq),
    accepted.map((_, i) => before + 1 + i),
    "what was refused took no seq",
  );
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    assert.ok(isImError(outcome.reason, "RATE_LIMITED"));
    const { retryAfterMs } = outcome.reason.data as { retryAfterMs: number };
    assert.ok(retryAfterMs >= 1 && retryAfterMs <= burstMs, String(retryAfterMs));
  }
  const heard = (): Message[] => client.of<Message>("message:new");
  await waitFor(() => heard().filter((message) => message.conversationId === direct).length === beside.length);
  const last = heard().findLastIndex((message) => message.conversationId === direct);
  assert.ok(last < beside.length + most, "they came before what was throttled could");
});

test("strangers who hammer a group are told that there is none, and slow nobody down", async () => {
  await using im = await startIm({ rateLimits: true });
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const { conversationId } = await buildGroup(im, ann);
  for (const { status, reason } of (await hammer(im, bob, conversationId, 2 * BURST)) as PromiseRejectedResult[]) {
    assert.equal(status, "rejected");
    assert.ok(isImError(reason, "GROUP_NOT_FOUND"));
  }
  assert.ok((await hammer(im, ann, conversationId, BURST - 10)).every(({ status }) => status === "fulfilled"));
});

test("what was refused goes through when it is sent again later, once", async () => {
  await using im = await startIm({ rateLimits: true });
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const direct = await befriend(im, ann, bob);
  const messages = Array.from({ length: 2 * BURST }, () => text(direct));
  const send = (message: (typeof messages)[number]) => im.node.as(ann.userId, "message.send", message);
  const outcomes = await Promise.allSettled(messages.map(send));
  const refused = messages[outcomes.findIndex(({ status }) => status === "rejected")]!;
  const again = await waitFor(() => send(refused).catch(() => null), "the message to go through");
  assert.deepEqual(await send(refused), again);
});

test("without limits, as for benchmarks, there is no pace either", async () => {
  await using im = await startIm({ rateLimits: false });
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const direct = await befriend(im, ann, bob);
  assert.ok((await hammer(im, ann, direct, 3 * BURST)).every(({ status }) => status === "fulfilled"));
});
