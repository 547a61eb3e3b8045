import { describe, expect, it } from "vitest";
import { fileSize } from "../../src/chat/bodies/file-size.ts";
import { dayLabel, duration, relativeTime, shortSpan, shortTime } from "../../src/ui/time.ts";

const at = (year: number, month: number, day: number, hour = 12, minute = 0) =>
  new Date(year, month - 1, day, hour, minute).getTime();
const NOW = at(2026, 3, 4, 0, 30);

describe("times", () => {
  it("names days by the calendar, not by hours that passed", () => {
    expect(dayLabel(at(2026, 3, 4, 0, 1), NOW, "en")).toBe("Today");
    expect(dayLabel(at(2026, 3, 3, 23, 59), NOW, "en")).toBe("Yesterday");
    expect(dayLabel(at(2026, 3, 3, 23, 59), NOW, "zh-CN")).toBe("昨天");
    expect(dayLabel(at(2026, 3, 2), NOW, "en")).toBe("Monday, March 2");
    expect(dayLabel(at(2025, 12, 31), NOW, "en")).toContain("2025");
  });

  it("is as short as it can be in a list", () => {
    expect(shortTime(at(2026, 3, 4, 0, 5), NOW, "en")).toBe("00:05");
    expect(shortTime(at(2026, 3, 3), NOW, "en")).toBe("Yesterday");
    expect(shortTime(at(2026, 3, 1), NOW, "en")).toBe("Sun");
    expect(shortTime(at(2026, 1, 2), NOW, "en")).toBe("1/2/26");
  });

  it("counts spans in two units at most", () => {
    expect([0, 900, 65_000, 3_600_000, 90_061_000].map(shortSpan)).toEqual(["0s", "1s", "1m 5s", "1h", "1d 1h"]);
    expect([5_000, 65_000, 3_661_000].map(duration)).toEqual(["0:05", "1:05", "1:01:01"]);
  });

  it("writes sizes with the unit that fits", () => {
    expect([0, 1_023, 1_024, 3_565_158, 2 ** 40].map(fileSize)).toEqual(["0 B", "1023 B", "1 KB", "3.4 MB", "1 TB"]);
  });
});

describe("a time from now", () => {
  const now = 1_760_000_000_000;
  it.each([
    [-20_000, "en", "this minute"],
    [-5 * 60_000, "en", "5 minutes ago"],
    [-90 * 60_000, "en", "1 hour ago"],
    [-25 * 3_600_000, "en", "yesterday"],
    [3 * 86_400_000, "en", "in 3 days"],
    [7 * 86_400_000 - 1_000, "en", "in 7 days"],
    [10_000, "en", "this minute"],
    [-5 * 60_000, "zh", "5分钟前"],
  ])("%i ms in %s", (away, language, text) => expect(relativeTime(now + away, now, language)).toBe(text));
});
