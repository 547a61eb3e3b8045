import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderText } from "../../services/notification/texts.ts";

const data = { fromUser: { userId: "1", nickname: "Ann" }, group: { groupId: "2", name: "Hikers" } };

describe("the text of a notification", () => {
  it("names who and where, in both languages", () => {
    assert.equal(renderText("group.invitation", data, "en"), 'Ann invites you to the group "Hikers".');
    assert.equal(renderText("group.invitation", data, "zh"), "Ann邀请你加入群“Hikers”。");
  });

  it("follows the data", () => {
    assert.match(renderText("group.role.changed", { ...data, role: "admin" }, "en"), /now an admin/);
    assert.match(renderText("group.role.changed", { ...data, role: "member" }, "en"), /no longer an admin/);
    assert.match(renderText("group.muted", { ...data, mutedUntil: 1 }, "en"), /are muted/);
    assert.match(renderText("group.muted", { ...data, mutedUntil: null }, "en"), /no longer muted/);
    assert.equal(renderText("system.notice", { text: "Hi" }, "zh"), "Hi");
    assert.equal(renderText("system.notice", { text: { en: "Hi", zh: "你好" } }, "zh"), "你好");
  });

  it("is a whole sentence for every type whatever is missing", () => {
    const types = [
      "friend.request",
      "friend.accepted",
      "friend.rejected",
      "group.invitation",
      "group.invitation.accepted",
      "group.invitation.rejected",
      "group.join.request",
      "group.join.accepted",
      "group.join.rejected",
      "group.removed",
      "group.dissolved",
      "group.role.changed",
      "group.owner.changed",
      "group.muted",
      "system.notice",
      "unheard.of",
      "constructor",
    ];
    for (const type of types) {
      for (const broken of [{}, { fromUser: null, group: { name: 1 }, text: 5 }, { fromUser: { nickname: "" } }]) {
        assert.match(renderText(type, broken, "en"), /^[A-Z].*\.$/, type);
        assert.match(renderText(type, broken, "zh"), /。$/, type);
        assert.doesNotMatch(renderText(type, broken, "en") + renderText(type, broken, "zh"), /undefined|null|object/, type);
      }
    }
  });
});
