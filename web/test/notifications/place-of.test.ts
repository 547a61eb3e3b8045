import { describe, expect, test } from "vitest";
import { placeOf, subjectOf } from "../../src/notifications/place-of.ts";

const fromUser = { userId: "7", nickname: "Bob" };
const group = { groupId: "9", name: "Hikers" };

describe("a notification", () => {
  test("leads to what it is about", () => {
    expect(placeOf({ type: "friend.request", data: { fromUser } })).toBe("/contacts/requests");
    expect(placeOf({ type: "friend.accepted", data: { fromUser } })).toBe("/contacts/7");
    expect(placeOf({ type: "group.invitation", data: { group, fromUser } })).toBe("/contacts/requests");
    expect(placeOf({ type: "group.added", data: { group, fromUser } })).toBe("/groups/9");
    expect(placeOf({ type: "device.new", data: {} })).toBe("/settings/devices");
    expect(placeOf({ type: "message.schedule.failed", data: { conversationId: "d_1_2" } })).toBe("/chats/d_1_2");
  });

  test("leads nowhere when there is nothing to see, or its kind or its data are not known", () => {
    expect(placeOf({ type: "group.removed", data: { group } })).toBeNull();
    expect(placeOf({ type: "constructor", data: { group } })).toBeNull();
    expect(placeOf({ type: "group.added", data: { group: null } })).toBeNull();
    expect(placeOf({ type: "group.added", data: { group: { groupId: "../settings" } } })).toBeNull();
    expect(placeOf({ type: "message.schedule.failed", data: { conversationId: "//evil.example" } })).toBeNull();
  });

  test("shows the person behind it, else the group", () => {
    expect(subjectOf({ data: { group, fromUser } })).toEqual({ id: "7", name: "Bob", group: false });
    expect(subjectOf({ data: { group } })).toEqual({ id: "9", name: "Hikers", group: true });
    expect(subjectOf({ data: { deviceId: "x" } })).toBeNull();
  });
});
