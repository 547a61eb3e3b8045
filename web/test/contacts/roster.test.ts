import { describe, expect, it } from "vitest";
import { filterFriends, friendName, initialOf, rosterSections, tagsInUse } from "../../src/contacts/roster.ts";
import { friend } from "./friends.ts";

describe("initials", () => {
  it.each([
    ["Émile", "E"],
    ["zoe", "Z"],
    ["  Bob", "B"],
    ["7 dwarfs", "#"],
    ["张伟", "#"],
    ["🙂", "#"],
    ["", "#"],
  ])("%s stands with %s", (name, initial) => expect(initialOf(name)).toBe(initial));
});

describe("sections of the roster", () => {
  const names = (language: string, ...friends: ReturnType<typeof friend>[]): string[][] =>
    rosterSections(friends, language).map(({ initial, friends: section }) => [initial, ...section.map(friendName)]);

  it("go from A to Z, with all that is no Latin letter at the end", () => {
    const friends = [friend("9lives"), friend("zoe"), friend("Émile"), friend("adam"), friend("Eve")];
    expect(names("en", ...friends)).toEqual([
      ["A", "adam"],
      ["E", "Émile", "Eve"],
      ["Z", "zoe"],
      ["#", "9lives"],
    ]);
  });

  it("go by the remark where there is one", () => {
    expect(names("en", friend("Zoe", { remark: "Aunt" }))).toEqual([["A", "Aunt"]]);
  });

  it("count as people do", () => {
    expect(names("en", friend("Team 10"), friend("Team 2"))).toEqual([["T", "Team 2", "Team 10"]]);
  });

  it("sort Chinese names by pinyin", () => {
    expect(names("zh", friend("张伟"), friend("李娜"), friend("陈静"))).toEqual([["#", "陈静", "李娜", "张伟"]]);
  });

  it("leave the list as it is", () => {
    const friends = [friend("b"), friend("a")];
    rosterSections(friends, "en");
    expect(friends.map(friendName)).toEqual(["b", "a"]);
  });
});

describe("the filter", () => {
  const emile = friend("Émile", { remark: "Plumber", tags: ["House"] });
  const eve = friend("Eve", { tags: ["Work", "House"] });
  const friends = [emile, eve];

  it.each([
    ["emile", [emile]],
    ["PLUMB", [emile]],
    ["work", [eve]],
    [eve.user.username, [eve]],
    ["  ", friends],
    ["nobody", []],
  ])("%s", (text, found) => expect(filterFriends(friends, { text })).toEqual(found));

  it("takes a tag together with words", () => {
    expect(filterFriends(friends, { tag: "House" })).toEqual(friends);
    expect(filterFriends(friends, { tag: "House", text: "eve" })).toEqual([eve]);
    expect(filterFriends(friends, { tag: "house" })).toEqual([]);
  });

  it("offers each tag once", () => {
    expect(tagsInUse(friends, "en")).toEqual(["House", "Work"]);
  });
});
