import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Presence } from "../../contracts/entities.ts";
import { befriend, buildUser, startIm, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

test("who hides their presence goes offline for those who watch, who must subscribe again to hear more", async () => {
  await using im = await startIm();
  const [ann, bob, cid] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  for (const peer of [bob, cid]) await befriend(im, ann, peer);
  const watcher = await im.connect({ token: ann.token });
  await watcher.ok("presence:subscribe", { userIds: [bob.userId, cid.userId] });

  await im.node.as(bob.userId, "settings.update", { showPresence: false });
  const gone = await watcher.next("presence:changed");
  assert.deepEqual(gone, { userId: bob.userId, online: false, lastSeenAt: null, devices: [] });
  await im.settled();
  await im.node.as(bob.userId, "settings.update", { showPresence: true });
  await im.connect({ token: bob.token });
  await im.connect({ token: cid.token });
  const next = await watcher.next<Presence>("presence:changed");
  assert.deepEqual([next.userId, next.online], [cid.userId, true]);
  const { items } = await watcher.ok<{ items: Presence[] }>("presence:subscribe", { userIds: [bob.userId] });
  assert.equal(items[0]?.online, true);
  assert.equal(watcher.of("presence:changed").length, 2);
});

test("when a user was last seen survives a restart", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "im-presence-"));
  t.after(() => rm(dataDir, { recursive: true }));
  await using im = await startIm({}, { dataDir });
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  await befriend(im, ann, bob);
  const lastSeen = async ({ node }: Im): Promise<number | null> => {
    const [presence] = (await node.as(ann.userId, "presence.subscribe", { userIds: [bob.userId] })).items;
    assert.ok(presence);
    return presence.online ? null : presence.lastSeenAt;
  };
  await (await im.connect({ token: bob.token })).close();
  const before = await waitFor(() => lastSeen(im), "the connection to be gone");
  await im.stop();

  await using again = await startIm({}, { dataDir });
  assert.equal(await lastSeen(again), before);
});
