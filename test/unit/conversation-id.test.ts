import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { directConversationId, groupConversationId, parseConversationId } from "../../lib/conversation-id.ts";

const MAX_ID = "9223372036854775807";

describe("directConversationId", () => {
  it("is the same whoever is named first", () => {
    assert.equal(directConversationId("7", "12"), "d_7_12");
    assert.equal(directConversationId("12", "7"), "d_7_12");
  });

  it("compares ids as numbers, also beyond what a JavaScript number holds", () => {
    assert.equal(directConversationId("10", "9"), "d_9_10");
    assert.equal(directConversationId(MAX_ID, "9223372036854775806"), `d_9223372036854775806_${MAX_ID}`);
  });
});

describe("parseConversationId", () => {
  it("takes apart what the makers put together", () => {
    assert.deepEqual(parseConversationId(directConversationId(MAX_ID, "3")), { type: "direct", userIds: ["3", MAX_ID] });
    assert.deepEqual(parseConversationId(groupConversationId("5")), { type: "group", groupId: "5" });
    assert.deepEqual(parseConversationId("s_8"), { type: "service", id: "8" });
  });

  it("refuses direct ids whose users are equal or not in order", () => {
    for (const id of ["d_5_5", "d_10_9", `d_${MAX_ID}_1`]) assert.equal(parseConversationId(id), null, id);
  });

  it("refuses everything else", () => {
    const bad = [
      "",
      "d_",
      "d_1",
      "d_1_",
      "d_0_1",
      "d_01_2",
      "d_1_2_3",
      "g_0",
      "g_-1",
      "g_1 ",
      " g_1",
      "g_1\n",
      "x_1",
      "g_1_2",
      "s_",
      "g_12345678901234567890",
      "d_1_2'",
    ];
    for (const id of bad) assert.equal(parseConversationId(id), null, JSON.stringify(id));
  });
});
