import { describe, expect, it } from "vitest";
import { MAX_TAGS } from "../../../contracts/limits.ts";
import { addTag, MAX_TAG_LENGTH } from "../../src/contacts/tags.ts";
import { relativeTime } from "../../src/contacts/times.ts";

describe("a new tag", () => {
  it("stands at the end, on one line", () => {
    expect(addTag(["a"], "  best \n friend ")).toEqual({ tags: ["a", "best friend"] });
  });

  it("is refused when there is nothing in it, or it is there", () => {
    expect(addTag([], " \t")).toEqual({ refusal: "empty" });
    expect(addTag(["a"], "a ")).toEqual({ refusal: "there" });
  });

  it("is counted in characters", () => {
    expect(addTag([], "🙂".repeat(MAX_TAG_LENGTH))).toHaveProperty("tags");
    expect(addTag([], "🙂".repeat(MAX_TAG_LENGTH + 1))).toEqual({ refusal: "long" });
  });

  it("is one too many at the limit", () => {
    const tags = Array.from({ length: MAX_TAGS }, (_, index) => String(index));
    expect(addTag(tags.slice(1), "new")).toHaveProperty("tags");
    expect(addTag(tags, "new")).toEqual({ refusal: "many" });
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
