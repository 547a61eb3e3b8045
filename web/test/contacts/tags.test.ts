import { describe, expect, it } from "vitest";
import { MAX_TAGS } from "../../../contracts/limits.ts";
import { addTag, MAX_TAG_LENGTH } from "../../src/contacts/tags.ts";

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
