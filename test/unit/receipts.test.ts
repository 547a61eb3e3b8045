import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { RECEIPTS_EVERY_MS } from "../../config/limits.ts";
import type { Deliveries } from "../../lib/push.ts";
import { ReceiptPushes, type Receipt } from "../../services/conversation/receipts.ts";

const GROUP = "g_7";

/** What was pushed, one list for each push: event, user and seq of each delivery. */
function watched() {
  const pushes: string[][] = [];
  const receipts = new ReceiptPushes(async (deliveries: Deliveries) => {
    pushes.push(
      deliveries.map(({ event, payload }) => {
        const { userId, seq } = payload as Receipt;
        return `${event.slice("receipt:".length)} ${userId} ${seq}`;
      }),
    );
  });
  const tell = (userId: string, seq: number, kind: Receipt["kind"] = "read", conversationId = GROUP): void =>
    receipts.tell({ conversationId, userId, kind, seq, at: seq });
  return { pushes, receipts, tell };
}

describe("receipts that are pushed", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  it("go out at once in a quiet conversation, and together in one that is not, of each user and kind the newest", async () => {
    const { pushes, tell } = watched();
    tell("1", 3);
    assert.deepEqual(pushes, [["read 1 3"]]);
    for (const [userId, seq] of [
      ["2", 3],
      ["3", 3],
      ["2", 5],
      ["1", 4],
    ] as const)
      tell(userId, seq);
    tell("2", 6, "delivered");
    assert.equal(pushes.length, 1);
    mock.timers.tick(RECEIPTS_EVERY_MS);
    assert.deepEqual(pushes.slice(1), [["read 2 5", "read 3 3", "read 1 4", "delivered 2 6"]]);
    tell("4", 6);
    assert.equal(pushes.length, 2, "the next ones wait in their turn");
    mock.timers.tick(RECEIPTS_EVERY_MS);
    assert.deepEqual(pushes[2], ["read 4 6"]);
    mock.timers.tick(RECEIPTS_EVERY_MS);
    tell("4", 7);
    assert.deepEqual(pushes[3], ["read 4 7"], "it is quiet again");
  });

  it("say nothing twice and nothing older", async () => {
    const { pushes, tell } = watched();
    tell("1", 5, "delivered");
    for (const seq of [5, 4, 5]) tell("1", seq, "delivered");
    tell("2", 5);
    tell("2", 4);
    mock.timers.tick(RECEIPTS_EVERY_MS);
    tell("2", 5);
    mock.timers.tick(RECEIPTS_EVERY_MS);
    assert.deepEqual(pushes, [["delivered 1 5"], ["read 2 5"]]);
  });

  it("of one conversation do not wait for those of another", async () => {
    const { pushes, tell } = watched();
    tell("1", 1);
    tell("1", 1, "read", "d_1_2");
    assert.deepEqual(pushes, [["read 1 1"], ["read 1 1", "read 1 1"]], "two people, a room for each");
  });

  it("that wait go out when the node stops", async () => {
    const { pushes, receipts, tell } = watched();
    tell("1", 1);
    tell("2", 1);
    await receipts.flush();
    mock.timers.tick(10 * RECEIPTS_EVERY_MS);
    assert.deepEqual(pushes, [["read 1 1"], ["read 2 1"]]);
  });

  it("are for everybody but the devices of whom they are about", async () => {
    const all: Deliveries = [];
    const receipts = new ReceiptPushes(async (deliveries) => void all.push(...deliveries));
    receipts.tell({ conversationId: GROUP, userId: "1", kind: "read", seq: 2, at: 9 });
    assert.deepEqual(all, [
      {
        room: "c:g_7",
        event: "receipt:read",
        payload: { conversationId: GROUP, userId: "1", seq: 2, at: 9 },
        except: ["u:1"],
      },
    ]);
  });
});
