import { describe, expect, it } from "vitest";
import { faceOf, groupIdOf, matchesWords, peerIdOf } from "../../src/chat/conversations.ts";

const names = { t: (key: string) => key, nameOf: (userId: string) => `name of ${userId}` };
const user = {
  userId: "2",
  username: "bob",
  nickname: "Bob",
  avatar: "https://a.example/b",
  signature: "",
  gender: "unknown",
  region: "",
} as const;

describe("conversations", () => {
  it("know the other one and the group by their id", () => {
    expect([peerIdOf("d_1_2", "1"), peerIdOf("d_1_2", "2"), peerIdOf("g_3", "1")]).toEqual(["2", "1", null]);
    expect([groupIdOf("g_3"), groupIdOf("d_1_2")]).toEqual(["3", null]);
  });

  it("are called as the user calls people, and by the name of the group", () => {
    expect(faceOf({ conversationId: "d_1_2", type: "direct", peer: user }, names)).toEqual({
      id: "2",
      name: "name of 2",
      avatar: "https://a.example/b",
      isGroup: false,
    });
    expect(faceOf({ conversationId: "g_3", type: "group" }, names).name).toBe("chat.list.unnamedGroup");
    expect(faceOf({ conversationId: "s_4", type: "service" }, names).name).toBe("chat.list.service");
  });

  it("are found by all words of a search, in any case and order", () => {
    expect(matchesWords("HIKE week", ["Weekend hike", "You: hello"])).toBe(true);
    expect(matchesWords("hike hello", ["Weekend hike", "You: hello"])).toBe(true);
    expect(matchesWords("hike bye", ["Weekend hike", "You: hello"])).toBe(false);
  });
});
