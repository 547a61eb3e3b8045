import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RestAnswer } from "../support/client.ts";
import { befriend, buildGroup, startIm, type Im, type TestUser } from "../support/im.ts";
import { buildUsers } from "../support/people.ts";
import {
  conversationOf,
  fields,
  has,
  history,
  names,
  ok,
  refused,
  say,
  send,
  seqs,
  type Json,
  type Page,
} from "../support/wire.ts";

/** The wire contract of groups, statement by statement. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

test("groups: made with defaults, seen by members, changed by owner and admins", async () => {
  const [owner, friend, stranger, allowing] = (await buildUsers(im, 4)) as [TestUser, TestUser, TestUser, TestUser];
  await befriend(im, owner, friend);
  await ok(allowing.rest.put(`/social/whitelist/${owner.userId}`));
  const memberIds = [friend.userId, stranger.userId, allowing.userId];
  const created = await ok<{ group: Json; joined: string[]; invited: string[] }>(
    owner.rest.post("/social/groups", { name: "Group 群", memberIds }),
    201,
  );
  has(created, "group invited joined");
  has(created.group, fields.group);
  assert.deepEqual([created.joined, created.invited], [[allowing.userId], [friend.userId]]);
  const { groupId, conversationId } = created.group as unknown as { groupId: string; conversationId: string };
  const { joinMode, historyVisible, maxMembers, memberInvite, allMuted, myRole, ownerId, memberCount, announcement, avatar } =
    created.group;
  assert.deepEqual(
    { joinMode, historyVisible, maxMembers, memberInvite, allMuted, myRole, ownerId, memberCount, announcement, avatar },
    {
      joinMode: "invite",
      historyVisible: false,
      maxMembers: 500,
      memberInvite: true,
      allMuted: false,
      myRole: "owner",
      ownerId: owner.userId,
      memberCount: 2,
      announcement: "",
      avatar: "",
    },
  );
  assert.equal(conversationId, `g_${groupId}`);
  await im.settled();
  const { items } = await history(owner, conversationId);
  assert.deepEqual([items[0]?.["seq"], items[0]?.["type"]], [1, "system"]);
  const { event, actorId } = items[0]?.["content"] as Json;
  assert.deepEqual([typeof event, actorId], ["string", owner.userId]);

  const path = `/social/groups/${groupId}`;
  assert.equal((await ok(allowing.rest.get(path)))["myRole"], "member");
  for (const outsider of [stranger, friend]) await refused(outsider.rest.get(path), 404, 4001);
  await refused(stranger.rest.get("/social/groups/999"), 404, 4001);
  await refused(allowing.rest.put(path, { name: "Mine" }), 403, 4003);
  const changed = await ok(owner.rest.put(path, { name: "Renamed", joinMode: "approval", announcement: "a\nb" }));
  has(changed, fields.group);
  assert.deepEqual([changed["name"], changed["joinMode"]], ["Renamed", "approval"]);
  const card = await ok(stranger.rest.get(path));
  has(card, fields.groupCard);
  assert.equal((await ok(owner.rest.put(`${path}/announcement`, { text: "News" })))["announcement"], "News");
  assert.equal((await ok(owner.rest.put(`${path}/mute`, { all: true })))["allMuted"], true);
  await refused(send(allowing, conversationId), 403, 3007);
  await say(owner, conversationId);
  await ok(owner.rest.put(`${path}/mute`, { all: false }));
  await say(allowing, conversationId);

  const roster = await ok<{ items: Json[]; version: string }>(owner.rest.get("/social/groups"));
  has(roster, fields.roster);
  has(roster.items[0], fields.group);
  assert.deepEqual(await ok(owner.rest.get(`/social/groups?sinceVersion=${roster.version}`)), {
    items: [],
    removed: [],
    version: roster.version,
  });
  await refused(allowing.rest.delete(path), 403, 4003);
  assert.equal(await ok(owner.rest.delete(path)), null);
  await refused(owner.rest.get(path), 404, 4001);
  const gone = await ok<{ removed: string[] }>(owner.rest.get(`/social/groups?sinceVersion=${roster.version}`));
  assert.deepEqual(gone.removed, [groupId]);
});

test("what a group may be", async () => {
  const [owner] = (await buildUsers(im, 1)) as [TestUser];
  const create = (more: Json): Promise<RestAnswer<unknown>> => owner.rest.post("/social/groups", { name: "x", ...more });
  for (const maxMembers of [1, 5_001, 2.5, "10"]) await names(create({ maxMembers }), "maxMembers");
  for (const name of ["", "x".repeat(65), "a\u0000b", "\udfff", 5]) await names(create({ name }), "name");
  await names(create({ joinMode: "closed" }), "joinMode");
  await names(create({ ownerId: "1" }), "ownerId");
  for (const maxMembers of [2, 5_000]) await ok(create({ maxMembers }), 201);
  const [a, b] = (await buildUsers(im, 2)) as [TestUser, TestUser];
  const group = await buildGroup(im, owner, [a], { maxMembers: 2, joinMode: "open" });
  await refused(b.rest.post(`/social/groups/${group.groupId}/join`), 409, 4004);
});

test("members: roles, nicknames, mutes, removal, transfer, leaving", async () => {
  const [owner, admin, admin2, member] = (await buildUsers(im, 4)) as [TestUser, TestUser, TestUser, TestUser];
  const [outsider] = (await buildUsers(im, 1)) as [TestUser];
  const { groupId, conversationId } = await buildGroup(im, owner, [admin, admin2, member]);
  const path = `/social/groups/${groupId}/members`;
  const page = await ok<Page>(member.rest.get(path));
  has(page, fields.page);
  assert.equal(page.items[0]?.["role"], "owner");
  for (const item of page.items) {
    has(item, fields.member);
    has(item["user"], fields.user);
  }
  const change = (who: TestUser, of: TestUser, body: Json): Promise<RestAnswer<unknown>> =>
    who.rest.put(`${path}/${of.userId}`, body);
  await refused(change(admin, member, { role: "admin" }), 403, 4003);
  const promoted = await ok(change(owner, admin, { role: "admin" }));
  has(promoted, fields.member);
  assert.equal(promoted["role"], "admin");
  await ok(change(owner, admin2, { role: "admin" }));
  await refused(change(admin, admin2, { mutedUntil: Date.now() + 60_000 }), 403, 4003);
  await refused(change(owner, outsider, { role: "admin" }), 404, 4002);
  await refused(change(outsider, member, { nickname: "x" }), 404, 4001);
  await names(change(owner, admin, { role: "owner" }), "role");
  assert.equal((await ok(change(member, member, { nickname: "Me" })))["nickname"], "Me");

  const mutedUntil = Date.now() + 3_600_000;
  assert.equal((await ok(change(admin, member, { mutedUntil })))["mutedUntil"], mutedUntil);
  await refused(send(member, conversationId), 403, 3007);
  assert.equal((await ok(change(admin, member, { mutedUntil: null })))["mutedUntil"], null);
  await say(member, conversationId);

  await refused(member.rest.delete(`${path}/${admin.userId}`), 403, 4003);
  await refused(admin.rest.delete(`${path}/${admin2.userId}`), 403, 4003);
  await refused(admin.rest.delete(`${path}/${outsider.userId}`), 404, 4002);
  await refused(owner.rest.delete(`${path}/${owner.userId}`), 409, 4005);
  await refused(owner.rest.delete("/users/me"), 409, 4005);
  assert.equal(await ok(admin.rest.delete(`${path}/${member.userId}`)), null);
  await im.settled();
  await refused(send(member, conversationId), 404, 4001);
  await say(owner, conversationId, "not for them");
  const kept = await history(member, conversationId);
  assert.deepEqual([kept.items.at(-1)?.["seq"], kept.items.at(-1)?.["type"]], [kept.maxSeq, "system"]);
  assert.equal((await conversationOf(member, conversationId))?.["maxSeq"], kept.maxSeq);
  await refused(member.rest.get(path), 404, 4001);

  const transferTo = (who: TestUser, to: TestUser): Promise<RestAnswer<unknown>> =>
    who.rest.post(`/social/groups/${groupId}/transfer`, { userId: to.userId });
  await refused(transferTo(admin, admin2), 403, 4003);
  await refused(transferTo(owner, outsider), 404, 4002);
  const transferred = await ok(transferTo(owner, admin));
  has(transferred, fields.group);
  assert.deepEqual([transferred["ownerId"], transferred["myRole"]], [admin.userId, "admin"]);
  assert.equal(await ok(owner.rest.delete(`${path}/${owner.userId}`)), null);
});

test("invitations, invite links and requests to join", async () => {
  const [owner, friend, stranger] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
  await befriend(im, owner, friend);
  const { groupId } = await buildGroup(im, owner);
  const path = `/social/groups/${groupId}`;
  const invited = await ok(owner.rest.post(`${path}/members`, { userIds: [friend.userId, stranger.userId] }));
  assert.deepEqual(invited, { joined: [], invited: [friend.userId] });
  const page = await ok<Page>(friend.rest.get("/social/groups/invitations"));
  has(page, fields.page);
  const [invitation] = page.items as [Json];
  has(invitation, fields.invitation);
  has(invitation["inviter"], fields.user);
  assert.equal((invitation["group"] as Json)["groupId"], groupId);
  assert.equal(invitation["status"], "pending");
  const handle = (who: TestUser, action: string): Promise<RestAnswer<unknown>> =>
    who.rest.put(`/social/groups/invitations/${String(invitation["invitationId"])}`, { action });
  await refused(handle(stranger, "accept"), 404);
  const accepted = await ok(handle(friend, "accept"));
  has(accepted, fields.invitation);
  assert.equal(accepted["status"], "accepted");
  await refused(handle(friend, "reject"), 409);

  const join = (body?: Json): Promise<RestAnswer<unknown>> => stranger.rest.post(`${path}/join`, body);
  await refused(join(), 404, 4001);
  await refused(join({ inviteCode: "nothing" }), 404, 4006);
  const link = await ok<{ inviteCode: string }>(owner.rest.post(`${path}/invite-links`, { maxUses: 1 }), 201);
  has(link, fields.inviteLink);
  assert.deepEqual({ ...link, inviteCode: "" }, { inviteCode: "", expiresAt: null, maxUses: 1, uses: 0 });
  const past = await ok<{ inviteCode: string }>(owner.rest.post(`${path}/invite-links`, { expiresAt: Date.now() - 1 }), 201);
  await refused(join({ inviteCode: past.inviteCode }), 404, 4006);
  await ok(join({ inviteCode: link.inviteCode }));
  await ok(stranger.rest.delete(`${path}/members/${stranger.userId}`));
  await refused(join({ inviteCode: link.inviteCode }), 404, 4006);

  await ok(owner.rest.put(path, { joinMode: "approval" }));
  const { requestId } = await ok<{ requestId: string }>(join({ message: "Let me in" }));
  await refused(join(), 409);
  await refused(friend.rest.get(`${path}/join-requests`), 403, 4003);
  const requests = await ok<Page>(owner.rest.get(`${path}/join-requests`));
  has(requests, fields.page);
  has(requests.items[0], fields.joinRequest);
  assert.deepEqual([requests.items[0]?.["requestId"], requests.items[0]?.["message"]], [requestId, "Let me in"]);
  const handled = await ok(owner.rest.put(`${path}/join-requests/${requestId}`, { action: "accept" }));
  assert.equal(handled["status"], "accepted");
  assert.equal((await ok(stranger.rest.get(path)))["myRole"], "member");
  await refused(join(), 409);
});

test("an open group is joined at once; newcomers see from there on, or all where the group says so", async () => {
  const [owner, a] = (await buildUsers(im, 2)) as [TestUser, TestUser];
  for (const historyVisible of [false, true]) {
    const { groupId, conversationId } = await buildGroup(im, owner, [], { joinMode: "open", historyVisible });
    await say(owner, conversationId, "before");
    const joined = await ok<{ joined: boolean; requestId: unknown; group: Json }>(a.rest.post(`/social/groups/${groupId}/join`));
    assert.deepEqual([joined.joined, joined.requestId], [true, null]);
    has(joined.group, fields.group);
    await im.settled();
    const { items, minSeq, maxSeq } = await history(a, conversationId);
    assert.deepEqual([seqs({ items }), minSeq, maxSeq], historyVisible ? [[1, 2, 3], 1, 3] : [[3], 3, 3]);
  }
});
