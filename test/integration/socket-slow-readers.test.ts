import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceSchema } from "moleculer";
import type { Message } from "../../contracts/entities.ts";
import { pushGuardDefaults, type PushGuard } from "../../services/socket/push-guard.ts";
import socket from "../../services/socket/socket.service.ts";
import type { ImServer } from "../../services/socket/types.ts";
import type { Client } from "../support/client.ts";
import { buildGroup, buildUser, startIm, text, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

const SYNC_BYTES = 64 * 1_024;
const WORDS = "x".repeat(1_000);

function startSmall(queueCutBytes: number): Promise<Im> {
  const settings = { ...pushGuardDefaults, queueSyncBytes: SYNC_BYTES, queueCutBytes } as ServiceSchema["settings"];
  return startIm({ maxConnectionsPerUser: 1_000 }, { services: [{ ...socket, settings }] });
}

const gatewayOf = (im: Im): { io: ImServer; pushes: PushGuard } =>
  im.broker.getLocalService("socket") as unknown as { io: ImServer; pushes: PushGuard };

/** As if the system took nothing more of what is written to this client. @returns what makes it take all */
function holdUp(im: Im, client: Client): () => void {
  const tcp = gatewayOf(im).io.of("/").sockets.get(client.socket.id!)!.request.socket;
  tcp.cork();
  return () => tcp.uncork();
}

test(
  "hundreds of slow readers in a busy group cost no more than their bound, and the others hear everything",
  { timeout: 90_000 },
  async () => {
    await using im = await startSmall(100 * SYNC_BYTES);
    const [ann, bob, cid] = [await buildUser(im), await buildUser(im), await buildUser(im)];
    const { conversationId } = await buildGroup(im, ann, [bob, cid]);
    const slow = await Promise.all(Array.from({ length: 300 }, () => im.connect({ token: bob.token })));
    const fast = await Promise.all(Array.from({ length: 10 }, () => im.connect({ token: cid.token })));
    const { pushes } = gatewayOf(im);
    const release = slow.map((client) => holdUp(im, client));

    const seqs: number[] = [];
    let most = 0;
    for (let i = 0; i < 150; i++) {
      seqs.push((await im.node.as(ann.userId, "message.send", text(conversationId, WORDS))).seq);
      most = Math.max(most, pushes.queues.bytes());
    }
    const heard = (client: Client): number[] => client.of<Message>("message:new").map(({ seq }) => seq);
    await waitFor(() => fast.every((client) => heard(client).length === seqs.length), "the others to hear everything");
    for (const client of fast) assert.deepEqual(heard(client), seqs);
    most = Math.max(most, pushes.queues.bytes());
    assert.ok(most <= SYNC_BYTES * (slow.length + fast.length), `${most} bytes`);
    assert.ok(pushes.queues.bytes() > 0.9 * SYNC_BYTES * slow.length, "only the bound ended it");

    const answer = slow[0]!.ok("message:read", { conversationId, seq: seqs.at(-1) });
    for (const one of release) one();
    await answer;
    await waitFor(() => slow.every((client) => client.of("sync:needed").length === 1), "all to be told to sync");
    const { seq: last } = await im.node.as(ann.userId, "message.send", text(conversationId, "back"));
    await waitFor(() => slow.every((client) => heard(client).at(-1) === last), "all to hear again");
    for (const client of slow) {
      const events = client.received.filter(({ event }) => event === "message:new" || event === "sync:needed");
      const told = events.findIndex(({ event }) => event === "sync:needed");
      assert.deepEqual(events[told]!.payload, { reason: "slow" });
      assert.equal(told, events.length - 2, "between what was written before and what came after");
      assert.deepEqual(heard(client), [...seqs.slice(0, told), last]);
    }
  },
);

test("a slow reader hears that its session has ended", { timeout: 60_000 }, async () => {
  await using im = await startSmall(100 * SYNC_BYTES);
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const { conversationId } = await buildGroup(im, ann, [bob]);
  const client = await im.connect({ token: bob.token });
  const release = holdUp(im, client);
  for (let i = 0; i < 100; i++) await im.node.as(ann.userId, "message.send", text(conversationId, WORDS));
  const { sockets } = gatewayOf(im).io.of("/");
  assert.equal((await bob.rest.post("/auth/logout")).code, 0);
  await waitFor(() => sockets.size === 0, "the gateway to let go");
  release();
  await client.next("session:ended");
  assert.equal(client.of("sync:needed").length, 0);
});

test("who is far behind is cut, and what waited for them is gone", { timeout: 60_000 }, async () => {
  await using im = await startSmall(2 * SYNC_BYTES);
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const { conversationId } = await buildGroup(im, ann, [bob]);
  const client = await im.connect({ token: bob.token });
  const { io, pushes } = gatewayOf(im);
  holdUp(im, client);
  for (let i = 0; i < 150; i++) await im.node.as(ann.userId, "message.send", text(conversationId, WORDS));
  await waitFor(() => io.of("/").sockets.size === 0, "the slow reader to be cut");
  assert.equal(pushes.queues.bytes(), 0);
});
