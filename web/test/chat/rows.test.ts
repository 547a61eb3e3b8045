import { describe, expect, it } from "vitest";
import { changeOf, firstUnread, indexAfter, startOf } from "../../src/chat/rows.ts";
import { message } from "./message.ts";

const MINUTE = 60_000;
const NOON = new Date(2026, 2, 2, 12).getTime();
const at = (minutes: number, fields: Parameters<typeof message>[0] = {}) =>
  message({ createdAt: NOON + minutes * MINUTE, ...fields });
const starts = (items: Parameters<typeof startOf>[0]) => items.map((_, index) => startOf(items, index));
const keys = (list: string) => [...list].map((key) => message({ key }));

describe("rows", () => {
  it("puts messages of one sender within five minutes together", () => {
    const items = [at(0), at(4), at(10), at(11, { senderId: "2" }), at(12)];
    expect(starts(items)).toEqual(["day", "nothing", "group", "group", "group"]);
  });

  it("begins anew behind what the server says and what was recalled", () => {
    const items = [at(0), at(1, { type: "system", senderId: "0" }), at(2), at(3, { recalledAt: NOON }), at(4)];
    expect(starts(items)).not.toContain("nothing");
  });

  it("names each day once", () => {
    const items = [at(0), at(1), at(13 * 60), at(13 * 60 + 1)];
    expect(starts(items)).toEqual(["day", "nothing", "day", "nothing"]);
  });

  it("finds the first unread one of somebody else's", () => {
    const items = [
      at(0, { seq: 3, senderId: "2" }),
      at(1, { seq: 5, senderId: "1" }),
      at(2, { seq: 6, senderId: "0", type: "system" }),
      at(3, { seq: 7, senderId: "2", recalledAt: NOON }),
      at(4, { seq: 9, senderId: "2", key: "first" }),
      at(5, { seq: null, senderId: "1" }),
    ];
    expect(firstUnread(items, 3, "1")?.key).toBe("first");
    expect(firstUnread(items, 9, "1")).toBeNull();
    expect(indexAfter(items, 4)).toBe(1);
    expect(indexAfter(items, 9)).toBe(5);
  });

  it("tells what is new before from what is new behind", () => {
    expect(changeOf(keys("cd"), keys("abcd"))).toEqual({ kind: "changed", before: 2, behind: 0 });
    expect(changeOf(keys("ab"), keys("abc"))).toEqual({ kind: "changed", before: 0, behind: 1 });
    expect(changeOf(keys("bc"), keys("abcd"))).toEqual({ kind: "changed", before: 1, behind: 1 });
    expect(changeOf(keys("abc"), keys("ac"))).toEqual({ kind: "changed", before: 0, behind: -1 });
  });

  it("knows the list when its first ones were deleted", () => {
    expect(changeOf(keys("abc"), keys("c"))).toEqual({ kind: "changed", before: -2, behind: 0 });
    expect(changeOf(keys("abc"), keys("xyc"))).toEqual({ kind: "changed", before: 0, behind: 0 });
  });

  it("knows another stretch", () => {
    expect(changeOf(keys("abc"), keys("xyz"))).toEqual({ kind: "replaced" });
    expect(changeOf([], keys("a"))).toEqual({ kind: "replaced" });
  });
});
