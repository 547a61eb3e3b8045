import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { CommitSync, SyncFailed } from "../../mixins/database/commit-sync.ts";

const folder = mkdtempSync(join(tmpdir(), "im-sync-"));
const file = join(folder, "im.sqlite");
writeFileSync(`${file}-wal`, "");
after(() => rmSync(folder, { recursive: true }));

/** A disk whose syncs end when the test says so. */
function createDisk() {
  const syncs: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const sync = new CommitSync(file, () => new Promise((resolve, reject) => void syncs.push({ resolve, reject })));
  const done: string[] = [];
  const follow = (name: string, promise: Promise<void>): Promise<unknown> => promise.then(() => done.push(name));
  return { sync, syncs, done, follow };
}

describe("CommitSync", () => {
  it("resolves a commit when a sync that began after it has ended", async () => {
    const { sync, syncs, done, follow } = createDisk();
    const first = follow("first", sync.committed());
    const second = follow("second", sync.committed());
    const third = follow("third", sync.committed());
    assert.equal(syncs.length, 1);
    syncs[0]!.resolve();
    await first;
    assert.deepEqual(done, ["first"]);
    assert.equal(syncs.length, 2, "one for both that came meanwhile");
    syncs[1]!.resolve();
    await Promise.all([second, third]);
    sync.close();
  });

  it("makes a reader wait for the sync that covers what it saw, and for no later one", async () => {
    const { sync, syncs, done, follow } = createDisk();
    await sync.settled();
    const commit = follow("commit", sync.committed());
    const reader = follow("reader", sync.settled());
    assert.equal(syncs.length, 1);
    syncs[0]!.resolve();
    await Promise.all([commit, reader]);
    await sync.settled();
    assert.equal(syncs.length, 1);
    assert.deepEqual(done, ["commit", "reader"]);
    sync.close();
  });

  it("never recovers from a sync that failed", async () => {
    const { sync, syncs } = createDisk();
    const first = sync.committed();
    const second = sync.committed();
    syncs[0]!.reject(new Error("EIO"));
    await assert.rejects(first, SyncFailed);
    await assert.rejects(second, SyncFailed);
    await assert.rejects(sync.settled(), SyncFailed);
    assert.throws(() => sync.assertHealthy(), /EIO/);
    assert.equal(syncs.length, 1, "another sync would say that all is well");
    sync.close();
  });
});
