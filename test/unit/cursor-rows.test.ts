import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { moved, type CursorColumns, type CursorMove } from "../../services/conversation/cursor-rows.ts";

const row: CursorColumns = { read_seq: 5, read_at: 1, shown_seq: 3, shown_at: 1, delivered_seq: 8, delivered_at: 1, told_seq: 4 };
const move = (readSeq: number, shownSeq: number, deliveredSeq: number): CursorMove => ({
  userId: "1",
  conversationId: "g_1",
  readSeq,
  shownSeq,
  deliveredSeq,
  at: 9,
});

describe("a move of cursors", () => {
  it("goes forward alone", () => {
    for (const back of [move(5, 5, 8), move(0, 0, 0), move(4, 4, 3)]) assert.equal(moved(row, back), null);
    assert.deepEqual(moved(row, move(0, 0, 9)), { ...row, delivered_seq: 9, delivered_at: 9 });
  });

  it("pulls delivered along with read, and shown where it is shown", () => {
    assert.deepEqual(moved(row, move(10, 10, 0)), {
      read_seq: 10,
      read_at: 9,
      shown_seq: 10,
      shown_at: 9,
      delivered_seq: 10,
      delivered_at: 9,
      told_seq: 10,
    });
    assert.deepEqual(moved(row, move(6, 0, 6)), { ...row, read_seq: 6, read_at: 9 });
  });

  it("tells what a device has got only where that is told, and never less", () => {
    assert.deepEqual(moved(row, { ...move(0, 0, 9), toldSeq: 9 }), { ...row, delivered_seq: 9, delivered_at: 9, told_seq: 9 });
    assert.equal(moved(row, { ...move(0, 0, 8), toldSeq: 8 }), null);
    assert.equal(moved(row, { ...move(0, 0, 9), toldSeq: 2 })?.told_seq, 4);
  });

  it("shows nothing of what was read before and kept from the others", () => {
    assert.equal(moved(row, move(5, 5, 5)), null);
    assert.deepEqual(moved(row, move(5, 5, 9)), { ...row, delivered_seq: 9, delivered_at: 9 });
  });
});
