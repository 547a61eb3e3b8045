import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Notification } from "../../contracts/entities.ts";
import type { GroupChange } from "../../contracts/events.ts";
import { isImError } from "../../lib/errors.ts";
import { ann, bob, cid, groupId, hikers, notificationNode } from "../support/notification-node.ts";
import { waitFor } from "../support/wait.ts";

const fails = (error: unknown): boolean => isImError(error, "VALIDATION");

describe("the notification centre", () => {
  it("stores each event once for each user and pushes it once", async () => {
    await using world = await notificationNode();
    const { node, around } = world;
    await world.notify([ann, bob, ann], "e1");
    await Promise.all(Array.from({ length: 10 }, () => world.notify([ann, bob, cid], "e1")));
    for (const userId of [ann, bob, cid]) {
      const { items } = await node.as(userId, "notification.list", {});
      assert.deepEqual(
        items.map(({ type, text, data, read }) => [type, text, data, read]),
        [["system.notice", "e1", { text: "e1" }, false]],
      );
      assert.deepEqual(
        around.deliveries.filter(({ room }) => room === `u:${userId}`),
        [{ room: `u:${userId}`, event: "notification:new", payload: items[0] }],
      );
    }
  });

  it("gives pages, newest first, all or only what is read or unread", async () => {
    await using world = await notificationNode();
    const { node } = world;
    for (const eventId of ["e1", "e2", "e3", "e4", "e5"]) await world.notify([ann], eventId);
    const first = await node.as(ann, "notification.list", { limit: 2 });
    assert.deepEqual(
      first.items.map(({ text }) => text),
      ["e5", "e4"],
    );
    assert.ok(first.nextCursor);
    const second = await node.as(ann, "notification.list", { limit: 3, cursor: first.nextCursor });
    assert.deepEqual([second.items.map(({ text }) => text), second.nextCursor], [["e3", "e2", "e1"], null]);
    await node.as(ann, "notification.markRead", { ids: second.items.map(({ notificationId }) => notificationId) });
    assert.deepEqual(
      (await node.as(ann, "notification.list", { read: false })).items.map(({ text }) => text),
      ["e5", "e4"],
    );
    assert.deepEqual(
      (await node.as(ann, "notification.list", { read: true })).items.map(({ text, read }) => [text, read]),
      [
        ["e3", true],
        ["e2", true],
        ["e1", true],
      ],
    );
    await assert.rejects(node.as(ann, "notification.list", { cursor: "nonsense" }), fails);
  });

  it("marks some or all read, mine alone", async () => {
    await using world = await notificationNode();
    const { node } = world;
    for (const eventId of ["e1", "e2", "e3"]) await world.notify([ann, bob], eventId);
    const mine = (await node.as(ann, "notification.list", {})).items.map(({ notificationId }) => notificationId);
    const theirs = (await node.as(bob, "notification.list", {})).items.map(({ notificationId }) => notificationId);
    assert.deepEqual(await node.as(ann, "notification.unreadCount", {}), { count: 3 });
    assert.deepEqual(await node.as(ann, "notification.markRead", { ids: [mine[0]!, theirs[0]!, "404"] }), { count: 2 });
    assert.deepEqual(await node.as(ann, "notification.markRead", { ids: [mine[0]!] }), { count: 2 });
    assert.deepEqual(await node.as(bob, "notification.unreadCount", {}), { count: 3 });
    assert.deepEqual(await node.as(ann, "notification.markRead", { all: true }), { count: 0 });
    assert.deepEqual(await node.as(bob, "notification.unreadCount", {}), { count: 3 });
  });

  it("wants either ids or all to mark", async () => {
    await using world = await notificationNode();
    for (const params of [{}, { ids: ["1"], all: true as const }])
      await assert.rejects(world.node.as(ann, "notification.markRead", params), fails);
  });

  it("speaks the language of the request, else the user's own", async () => {
    await using world = await notificationNode();
    const { node, around } = world;
    around.settings.set(bob, { language: "zh" });
    await node.call("notification.notify", {
      eventId: "e1",
      userIds: [ann, bob],
      type: "friend.request",
      data: { requestId: "1", fromUserId: cid },
    });
    const zh = "User 11请求添加你为好友。";
    const en = "User 11 wants to be your friend.";
    assert.deepEqual(
      around.deliveries.map(({ payload }) => (payload as Notification).text),
      [en, zh],
    );
    const textFor = async (userId: string, language?: "en" | "zh"): Promise<string | undefined> =>
      (await node.as(userId, "notification.list", {}, language ? { language } : {})).items[0]?.text;
    assert.deepEqual(
      [await textFor(ann), await textFor(bob), await textFor(ann, "zh"), await textFor(bob, "en")],
      [en, zh, zh, en],
    );
    assert.deepEqual(
      (await node.call("notification.exportOf", { userId: bob })).map(({ text }) => text),
      [zh],
    );
  });

  it("works while settings and sockets are away", async () => {
    await using world = await notificationNode(["settings", "socket"]);
    await world.notify([ann]);
    assert.equal((await world.received(ann, 1)).length, 1);
  });

  it("forgets a deleted user", async () => {
    await using world = await notificationNode();
    await world.notify([ann, bob]);
    await world.around.publish("im.user.deleted", { userId: ann, groupIds: [] });
    await waitFor(async () => (await world.node.as(ann, "notification.unreadCount", {})).count === 0);
    assert.equal((await world.received(bob, 1)).length, 1);
  });
});

describe("friends", () => {
  it("are told of requests and answers", async () => {
    await using world = await notificationNode();
    const { node } = world;
    const first = await node.as(ann, "friend.request", { userId: bob, message: "private words" });
    const [asked] = await world.received(bob, 1);
    assert.deepEqual(
      [asked?.type, asked?.data],
      ["friend.request", { requestId: first.requestId, fromUser: { userId: ann, nickname: "User 9" } }],
    );
    await node.as(bob, "friend.handleRequest", { requestId: first.requestId, action: "reject" });
    const [rejected] = await world.received(ann, 1);
    assert.deepEqual([rejected?.type, rejected?.text], ["friend.rejected", "User 10 declined your friend request."]);
    const second = await node.as(ann, "friend.request", { userId: bob });
    await node.as(bob, "friend.handleRequest", { requestId: second.requestId, action: "accept" });
    const [accepted] = await world.received(ann, 2);
    assert.deepEqual(
      [accepted?.type, accepted?.data],
      ["friend.accepted", { requestId: second.requestId, fromUser: { userId: bob, nickname: "User 10" } }],
    );
    assert.equal((await world.received(bob, 2)).length, 2);
  });

  it("who are blocked cause no notification", async () => {
    await using world = await notificationNode();
    const { node, around } = world;
    await node.as(bob, "friend.block", { userId: ann });
    await node.as(ann, "friend.request", { userId: bob });
    await around.publish("im.friend.request.sent", { requestId: "1", fromUserId: ann, toUserId: bob });
    await node.as(cid, "friend.request", { userId: bob });
    const items = await world.received(bob, 1);
    await around.publish("im.friend.request.sent", { requestId: "2", fromUserId: "12", toUserId: bob });
    assert.deepEqual(
      (await world.received(bob, 2)).map(({ data }) => (data["fromUser"] as { userId: string }).userId),
      ["12", cid],
    );
    assert.equal(items.length, 1);
  });
});

describe("groups", () => {
  it("tell of invitations and requests to join", async () => {
    await using world = await notificationNode();
    const { around } = world;
    await around.publish("im.group.invitation.sent", { invitationId: "1", groupId, inviterId: ann, inviteeId: bob });
    await around.publish("im.group.invitation.handled", {
      invitationId: "1",
      groupId,
      inviterId: ann,
      inviteeId: bob,
      accepted: true,
    });
    await around.publish("im.group.invitation.handled", {
      invitationId: "2",
      groupId,
      inviterId: ann,
      inviteeId: cid,
      accepted: false,
    });
    await around.publish("im.group.join.requested", {
      requestId: "3",
      groupId,
      userId: cid,
      approverIds: [ann, bob],
    });
    await around.publish("im.group.join.handled", { requestId: "3", groupId, userId: cid, actorId: ann, accepted: true });
    await around.publish("im.group.join.handled", { requestId: "4", groupId, userId: cid, actorId: ann, accepted: false });
    await around.publish("im.group.join.handled", { requestId: "5", groupId, userId: ann, actorId: ann, accepted: true });
    const from = (userId: string) => ({ userId, nickname: `User ${userId}` });
    const told = async (userId: string, count: number) =>
      (await world.received(userId, count)).map(({ type, data }) => [type, data]).toReversed();
    assert.deepEqual(await told(cid, 2), [
      ["group.join.accepted", { requestId: "3", group: hikers, fromUser: from(ann) }],
      ["group.join.rejected", { requestId: "4", group: hikers, fromUser: from(ann) }],
    ]);
    assert.deepEqual(await told(bob, 2), [
      ["group.invitation", { invitationId: "1", group: hikers, fromUser: from(ann) }],
      ["group.join.request", { requestId: "3", group: hikers, fromUser: from(cid) }],
    ]);
    assert.deepEqual(await told(ann, 3), [
      ["group.invitation.accepted", { invitationId: "1", group: hikers, fromUser: from(bob) }],
      ["group.invitation.rejected", { invitationId: "2", group: hikers, fromUser: from(cid) }],
      ["group.join.request", { requestId: "3", group: hikers, fromUser: from(cid) }],
    ]);
  });

  it("tell those whom a change concerns, but not who made it", async () => {
    await using world = await notificationNode();
    const { around } = world;
    const subjectOf = (event: GroupChange["event"]) =>
      event === "member.joined"
        ? "im.group.member.joined"
        : /^member\.(left|removed)$/.test(event)
          ? "im.group.member.left"
          : "im.group.changed";
    const change = (event: GroupChange["event"], userIds: string[], data: Record<string, unknown> = {}) =>
      around.publish(subjectOf(event), { groupId, change: { event, actorId: ann, userIds, data } });
    await change("group.renamed", [], { name: "Walkers" });
    await change("member.joined", [bob]);
    await change("member.left", [bob]);
    await change("member.role.changed", [bob], { role: "admin" });
    await change("member.muted", [bob], { mutedUntil: 99 });
    await change("member.unmuted", [bob]);
    await change("group.owner.changed", [bob]);
    await change("member.removed", [bob]);
    await change("group.dissolved", [ann, bob, cid], { name: "Hikers" });
    assert.deepEqual((await world.received(bob, 6)).map(({ text }) => text).toReversed(), [
      'You are now an admin of the group "Hikers".',
      'You are muted in the group "Hikers".',
      'You are no longer muted in the group "Hikers".',
      'You are now the owner of the group "Hikers".',
      'User 9 removed you from the group "Hikers".',
      'User 9 dissolved the group "Hikers".',
    ]);
    assert.deepEqual(
      (await world.received(cid, 1)).map(({ type }) => type),
      ["group.dissolved"],
    );
    assert.deepEqual((await world.node.as(ann, "notification.list", {})).items, []);
  });

  it("whose name nobody can tell any more are still told of", async () => {
    await using world = await notificationNode();
    await world.around.publish("im.group.changed", {
      groupId,
      change: { event: "group.dissolved", actorId: bob, userIds: [cid], data: {} },
    });
    const [told] = await world.received(cid, 1);
    assert.deepEqual([told?.text, told?.data["group"]], ["User 10 dissolved a group.", { groupId, name: null }]);
  });
});
