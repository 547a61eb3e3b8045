import { ANNOUNCEMENT_TOLD_EVERY_MS } from "../../config/limits.ts";
import type { DomainEvents, GroupChange } from "../../contracts/events.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { Notice } from "./notify-users.ts";

/** Whom an event of the time `at` is told to, and how; null when to nobody. */
type NoticeOf<N extends keyof DomainEvents> = (calls: Calls, payload: DomainEvents[N], at: number) => Promise<Notice | null>;

/** The devices that were there before hear of it, and whoever signed in finds it too. */
export const deviceAdded: NoticeOf<"im.user.device.added"> = async (_calls, { userId, deviceId, deviceType }) => ({
  userIds: [userId],
  type: "device.new",
  data: { deviceId, deviceType },
});

/** `reason` is the type of an error, whose sentence the text gives. */
export const scheduleFailed: NoticeOf<"im.message.schedule.failed"> = async (_calls, { userId, ...data }) => ({
  userIds: [userId],
  type: "message.schedule.failed",
  data,
});

export const friendRequestSent: NoticeOf<"im.friend.request.sent"> = async (calls, { requestId, fromUserId, toUserId }) =>
  (await hasBlocked(calls, toUserId, fromUserId))
    ? null
    : { userIds: [toUserId], type: "friend.request", data: { requestId, fromUserId } };

export const friendRequestHandled: NoticeOf<"im.friend.request.handled"> = async (
  _calls,
  { requestId, fromUserId, toUserId, accepted },
) => ({
  userIds: [fromUserId],
  type: accepted ? "friend.accepted" : "friend.rejected",
  data: { requestId, fromUserId: toUserId },
});

export const groupInvitationSent: NoticeOf<"im.group.invitation.sent"> = async (
  calls,
  { invitationId, groupId, inviterId, inviteeId },
) => {
  if (await hasBlocked(calls, inviteeId, inviterId)) return null;
  const group = await groupSeenBy(calls, groupId, [inviterId]);
  return { userIds: [inviteeId], type: "group.invitation", data: { invitationId, group, fromUserId: inviterId } };
};

export const groupInvitationHandled: NoticeOf<"im.group.invitation.handled"> = async (calls, event) => {
  const { invitationId, groupId, inviterId, inviteeId, accepted } = event;
  const group = await groupSeenBy(calls, groupId, [inviterId, inviteeId]);
  const type = accepted ? "group.invitation.accepted" : "group.invitation.rejected";
  return { userIds: [inviterId], type, data: { invitationId, group, fromUserId: inviteeId } };
};

export const groupJoinRequested: NoticeOf<"im.group.join.requested"> = async (
  calls,
  { requestId, groupId, userId, approverIds },
) => {
  const group = await groupSeenBy(calls, groupId, approverIds);
  return { userIds: approverIds, type: "group.join.request", data: { requestId, group, fromUserId: userId } };
};

export const groupJoinHandled: NoticeOf<"im.group.join.handled"> = async (
  calls,
  { requestId, groupId, userId, actorId, accepted },
) => {
  if (userId === actorId) return null;
  const group = await groupSeenBy(calls, groupId, [actorId, userId]);
  return {
    userIds: [userId],
    type: accepted ? "group.join.accepted" : "group.join.rejected",
    data: { requestId, group, fromUserId: actorId },
  };
};

/** A change of a group as its event carries it. */
interface Changed {
  readonly groupId: string;
  readonly change: GroupChange;
}
interface Personal {
  readonly type: string;
  /** What they need to know beside who and where. */
  readonly extra?: (data: GroupChange["data"]) => Record<string, unknown>;
}

/** The changes of a group that those concerned are told in person. */
const personal: { readonly [E in GroupChange["event"]]?: Personal } = {
  "group.created": { type: "group.added" },
  "member.joined": { type: "group.added" },
  "member.removed": { type: "group.removed" },
  "group.dissolved": { type: "group.dissolved" },
  "member.role.changed": { type: "group.role.changed", extra: ({ role }) => ({ role: role ?? null }) },
  "group.owner.changed": { type: "group.owner.changed" },
  "member.muted": { type: "group.muted", extra: ({ mutedUntil }) => ({ mutedUntil: mutedUntil ?? null }) },
  "member.unmuted": { type: "group.muted", extra: () => ({ mutedUntil: null }) },
};

export const groupChanged: NoticeOf<"im.group.changed" | "im.group.member.left" | "im.group.member.joined"> = async (
  calls,
  changed,
  at,
) => {
  if (changed.change.event === "group.announcement.changed") return announcementPosted(calls, changed, at);
  const { groupId, change } = changed;
  const { event, actorId, userIds, data } = change;
  const kind = personal[event];
  const concerned = userIds.filter((userId) => userId !== actorId);
  if (!kind || concerned.length === 0 || isAnsweredRequest(change)) return null;
  const named = typeof data["name"] === "string" ? { groupId, name: data["name"] } : null;
  const group = named ?? (await groupSeenBy(calls, groupId, [actorId, ...concerned.slice(0, 1)]));
  return { userIds: concerned, type: kind.type, data: { group, fromUserId: actorId, ...kind.extra?.(data) } };
};

/** Whose request to join was accepted hears that. */
const isAnsweredRequest = ({ event, actorId, data }: GroupChange): boolean =>
  event === "member.joined" && data["inviterId"] !== actorId;

/** To all who are members now. What it says is the group's: whoever looks reads it there. */
async function announcementPosted(calls: Calls, { groupId, change }: Changed, at: number): Promise<Notice | null> {
  const { actorId, data } = change;
  if (data["announcement"] === "") return null;
  const members = (await call(calls, "group.memberStates", { groupId }))?.members ?? [];
  const userIds = members.map(({ userId }) => userId).filter((userId) => userId !== actorId);
  if (userIds.length === 0) return null;
  const group = await groupSeenBy(calls, groupId, [actorId, ...userIds.slice(0, 1)]);
  const onceAs = `announcement:${groupId}:${actorId}:${Math.floor(at / ANNOUNCEMENT_TOLD_EVERY_MS)}`;
  return { userIds, type: "group.announcement", data: { group, fromUserId: actorId }, onceAs };
}

/** A block that came after the request was sent, or before its event was read. */
async function hasBlocked(calls: Calls, userId: string, peerId: string): Promise<boolean> {
  return (await call(calls, "friend.relation", { userId, peerId })).blockedByMe;
}

/** Only members see a group, so its name is asked on behalf of someone who should be one; null when none is any more. */
async function groupSeenBy(
  calls: Calls,
  groupId: string,
  viewerIds: readonly string[],
): Promise<{ groupId: string; name: string | null }> {
  for (const userId of viewerIds) {
    const [group] = await call(calls, "group.getMany", { userId, groupIds: [groupId] });
    if (group) return { groupId, name: group.name };
  }
  return { groupId, name: null };
}
