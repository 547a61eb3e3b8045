import { describe, expect, it } from "vitest";
import { matching, mentionedIn, mentionQuery, withMention } from "../../src/chat/mentions.ts";

const people = [
  { userId: "1", name: "Rob" },
  { userId: "2", name: "Bob" },
  { userId: "3", name: "Bo Li" },
];

describe("mentions", () => {
  it("looks for somebody behind an @ before the caret", () => {
    expect(mentionQuery("hi @bo", 6)).toEqual({ start: 3, words: "bo" });
    expect(mentionQuery("@", 1)).toEqual({ start: 0, words: "" });
    expect(mentionQuery("你好@小", 4)).toEqual({ start: 2, words: "小" });
    expect(mentionQuery("hi @bo there", 6)).toEqual({ start: 3, words: "bo" });
  });

  it("looks for nobody in an address, nor behind a space", () => {
    expect(mentionQuery("me@example", 10)).toBeNull();
    expect(mentionQuery("@bob hi", 7)).toBeNull();
    expect(mentionQuery("hi", 2)).toBeNull();
  });

  it("puts those first whose name begins so", () => {
    expect(matching(people, "BO").map(({ name }) => name)).toEqual(["Bob", "Bo Li"]);
    expect(matching(people, "ob").map(({ name }) => name)).toEqual(["Rob", "Bob"]);
    expect(matching(people, "", 1)).toHaveLength(1);
  });

  it("writes the name in the place of what was typed", () => {
    expect(withMention("hi @bo there", 6, 3, "Bob")).toEqual({ text: "hi @Bob  there", caret: 8 });
  });

  it("mentions those whose name still stands in the text, each once", () => {
    const chosen = [...people, people[1]!, { userId: "all", name: "all" }];
    expect(mentionedIn("@Bob and @Bo Li", chosen, 100)).toEqual(["2", "3"]);
    expect(mentionedIn("@all @Bob", chosen, 1)).toHaveLength(1);
  });
});
