import type { DomainEvents, GroupChange } from "../../contracts/events.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { Notice } from "./notify-users.ts";

/** Whom an event is told to, and how; null when to nobody. */
type NoticeOf<N extends keyof DomainEvents> = (calls: Calls, payload: DomainEvents[N]) => Promise<Notice | null>;

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

/** The changes of a group that those concerned are told in person, and what they need to know beside who and where. */
const personal: {
  readonly [E in GroupChange["event"]]?: { type: string; extra?: (data: GroupChange["data"]) => Record<string, unknown> };
} = {
  "member.removed": { type: "group.removed" },
  "group.dissolved": { type: "group.dissolved" },
  "member.role.changed": { type: "group.role.changed", extra: ({ role }) => ({ role: role ?? null }) },
  "group.owner.changed": { type: "group.owner.changed" },
  "member.muted": { type: "group.muted", extra: ({ mutedUntil }) => ({ mutedUntil: mutedUntil ?? null }) },
  "member.unmuted": { type: "group.muted", extra: () => ({ mutedUntil: null }) },
};

export const groupChanged: NoticeOf<"im.group.changed" | "im.group.member.left"> = async (calls, { groupId, change }) => {
  const { event, actorId, userIds, data } = change;
  const kind = personal[event];
  const concerned = userIds.filter((userId) => userId !== actorId);
  if (!kind || concerned.length === 0) return null;
  const named = typeof data["name"] === "string" ? { groupId, name: data["name"] } : null;
  const group = named ?? (await groupSeenBy(calls, groupId, [actorId, ...concerned.slice(0, 1)]));
  return { userIds: concerned, type: kind.type, data: { group, fromUserId: actorId, ...kind.extra?.(data) } };
};

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
