import type { ActionName } from "../../contracts/index.ts";
import { befriend, buildGroup, buildUser, text, type Im, type TestUser } from "./im.ts";
import { waitFor } from "./wait.ts";

/** Who a person is to the group of a scene; `guest` is invited and has asked to join, `outsider` has nothing to do with it. */
export const roles = ["outsider", "guest", "removed", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** Everything in a scene that has a name, as strings, so that the same request can be made with names that nobody has. */
export interface Names {
  readonly groupId: string;
  readonly conversationId: string;
  /** Of the member, sent while `removed` was still there. */
  readonly messageId: string;
  /** Of the member, sent after that. */
  readonly laterMessageId: string;
  /** Of owner and member, who are friends. */
  readonly directId: string;
  readonly directMessageId: string;
  /** Of the owner: the direct message. */
  readonly favoriteId: string;
  /** Of the owner, in the group. */
  readonly scheduledId: string;
  /** From the admin to the member. */
  readonly friendRequestId: string;
  /** Of the guest, by the owner. */
  readonly invitationId: string;
  /** Of the guest. */
  readonly joinRequestId: string;
  /** Of the guest. */
  readonly notificationId: string;
  /** Of the owner. */
  readonly deviceId: string;
  readonly ownerToken: string;
  readonly ownerName: string;
  readonly refreshToken: string;
  readonly memberId: string;
  /** A plain member who does nothing. */
  readonly bystanderId: string;
}

/** People around one group, with something of everything. */
export interface Scene {
  readonly people: Readonly<Record<Role, TestUser>>;
  readonly names: Names;
}

/** The same names, of nothing and nobody. */
export const unknownNames: Names = {
  groupId: "1",
  conversationId: "g_1",
  messageId: "1",
  laterMessageId: "1",
  directId: "d_1_2",
  directMessageId: "1",
  favoriteId: "1",
  scheduledId: "1",
  friendRequestId: "1",
  invitationId: "1",
  joinRequestId: "1",
  notificationId: "1",
  deviceId: "nobody",
  ownerToken: "nobody",
  ownerName: "nobody",
  refreshToken: "nobody",
  memberId: "1",
  bystanderId: "1",
};

export async function buildScene(im: Im): Promise<Scene> {
  const [outsider, guest, removed, member, admin, owner, bystander] = (await Promise.all(
    Array.from({ length: 7 }, () => buildUser(im)),
  )) as [TestUser, TestUser, TestUser, TestUser, TestUser, TestUser, TestUser];
  const people = { outsider, guest, removed, member, admin, owner };
  const group = await buildGroup(im, owner, [removed, member, admin, bystander], { memberInvite: false, joinMode: "approval" });
  const { groupId, conversationId } = group;
  const inGroup = { groupId, userId: admin.userId };
  await im.node.as(owner.userId, "group.updateMember", { ...inGroup, role: "admin" });
  const { requestId: joinRequestId } = await im.node.as(guest.userId, "group.join", { groupId });
  await im.node.as(owner.userId, "group.update", { groupId, joinMode: "invite" });
  await befriend(im, owner, guest);
  await im.node.as(owner.userId, "group.invite", { groupId, userIds: [guest.userId] });
  const directId = await befriend(im, owner, member);
  const { requestId: friendRequestId } = await im.node.as(admin.userId, "friend.request", { userId: member.userId });
  const say = async (where: string): Promise<string> =>
    (await im.node.as(member.userId, "message.send", text(where, "what they say"))).messageId;
  const sendAt = Date.now() + 3_600_000;
  const scheduled = { ...text(conversationId, "what they will say"), sendAt };
  const { scheduledId } = await im.node.as(owner.userId, "scheduler.schedule", scheduled);
  const messageId = await say(conversationId);
  const directMessageId = await say(directId);
  const { favoriteId } = await im.node.as(owner.userId, "message.addFavorite", { messageId: directMessageId });
  await im.node.as(owner.userId, "group.removeMember", { groupId, userId: removed.userId });
  await im.settled();
  const laterMessageId = await say(conversationId);
  const first = async <T>(action: ActionName, params: object): Promise<T> =>
    waitFor(async () => {
      const page = (await im.node.as(guest.userId, action, params as never)) as { items: T[] };
      return page.items[0];
    }, action);
  const names: Names = {
    groupId,
    conversationId,
    messageId,
    laterMessageId,
    directId,
    directMessageId,
    favoriteId,
    scheduledId,
    friendRequestId,
    invitationId: (await first<{ invitationId: string }>("group.invitations", {})).invitationId,
    joinRequestId: joinRequestId ?? "",
    notificationId: (await first<{ notificationId: string }>("notification.list", {})).notificationId,
    deviceId: (await im.node.as(owner.userId, "auth.devices", {})).items[0]?.deviceId ?? "",
    ownerToken: owner.token,
    ownerName: owner.username,
    refreshToken: owner.refreshToken,
    memberId: member.userId,
    bystanderId: bystander.userId,
  };
  await im.settled();
  return { people, names };
}
