import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Turns } from "../../lib/turns.ts";

describe("turns", () => {
  it("keep the order of one key, also behind a failure, and hold up no other key", async () => {
    const turns = new Turns();
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.run("a", async () => {
      await gate.promise;
      done.push("a1");
      throw new Error("a1 failed");
    });
    const second = turns.run("a", async () => void done.push("a2"));
    await turns.run("b", async () => void done.push("b1"));
    gate.resolve();
    await assert.rejects(first, /a1 failed/);
    await second;
    assert.deepEqual(done, ["b1", "a1", "a2"]);
  });

  it("are taken until the last has ended, and idle then", async () => {
    const turns = new Turns();
    const gate = Promise.withResolvers<void>();
    const ended: string[] = [];
    void turns.run("a", () => gate.promise);
    void turns.run("a", async () => {
      // What is given while the others are waited for is waited for too.
      void turns.run("b", async () => void ended.push("b"));
    });
    assert.deepEqual([turns.isTaken("a"), turns.isTaken("b")], [true, false]);
    const idle = turns.idle();
    gate.resolve();
    await idle;
    assert.deepEqual(ended, ["b"]);
    assert.deepEqual([turns.isTaken("a"), turns.isTaken("b")], [false, false]);
  });
});
