import { describe, expect, it } from "vitest";
import type { Group } from "@moleculer-im/client";
import { contactRows, type ContactRowsInput } from "../../src/contacts/contact-rows.ts";
import { friend } from "./friends.ts";

const group = (groupId: string, name: string): Group => ({
  groupId,
  conversationId: `g_${groupId}`,
  name,
  avatar: "",
  announcement: "",
  ownerId: "1",
  memberCount: 2,
  maxMembers: 500,
  joinMode: "invite",
  historyVisible: false,
  memberInvite: true,
  mentionAllBy: "members",
  allMuted: false,
  myRole: "member",
  version: "1",
  createdAt: 0,
});

describe("the list of contacts", () => {
  const anna = friend("Anna", { tags: ["Work"] });
  const zhang = friend("张伟");
  const groups = [group("2", "Work"), group("1", "Family")];
  const keys = (input: Partial<ContactRowsInput> = {}): string[] =>
    contactRows({ friends: [zhang, anna], groups, filter: {}, language: "en", showGroups: true, ...input }).map(({ key }) => key);

  it("has places, groups by name, and friends by initial", () => {
    expect(keys()).toEqual([
      ...["requests", "blocked", "allowed"],
      ...["groups", "group 1", "group 2"],
      ...["initial A", `friend ${anna.user.userId}`, "initial #", `friend ${zhang.user.userId}`],
    ]);
  });

  it("has closed groups as a heading alone", () => {
    expect(keys({ showGroups: false })).not.toContain("group 1");
    expect(keys({ showGroups: false })).toContain("groups");
  });

  it("has what is looked for alone, in closed groups too", () => {
    expect(keys({ filter: { text: "work" }, showGroups: false })).toEqual([
      ...["groups", "group 2"],
      ...["initial A", `friend ${anna.user.userId}`],
    ]);
    expect(keys({ filter: { text: "nobody" } })).toEqual([]);
  });

  it("has only friends for a tag", () => {
    expect(keys({ filter: { tag: "Work" } })).toEqual(["initial A", `friend ${anna.user.userId}`]);
  });

  it("gives each line a key of its own", () => {
    expect(new Set(keys()).size).toBe(keys().length);
  });
});
