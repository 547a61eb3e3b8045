import type { DeviceType } from "./services/auth.ts";

/**
 * Durable domain events (F5): written to the outbox in the transaction that makes the change, carried by the event stream,
 * handled at least once. The key keeps the order: events of one key arrive in the order in which they were committed.
 * They carry ids and no words of a person: they are kept for days where no erasure reaches, and whoever needs the words asks.
 */
export interface DomainEvents {
  "im.user.created": { userId: string };
  "im.user.updated": { userId: string };
  "im.user.deleted": { userId: string; groupIds: string[] };
  "im.user.disabled": { userId: string };
  /** `changed`: names of the settings that have another value now. */
  "im.user.settings.changed": { userId: string; changed: string[] };
  "im.user.password.changed": { userId: string; exceptSessionId: string | null };
  "im.user.session.ended": { userId: string; sessionIds: string[]; reason: SessionEndReason };
  /** A sign-in on a device that had no session of this user before, unless it is the user's first. */
  "im.user.device.added": { userId: string; sessionId: string; deviceId: string; deviceType: DeviceType };
  "im.friend.request.sent": { requestId: string; fromUserId: string; toUserId: string };
  "im.friend.request.handled": { requestId: string; fromUserId: string; toUserId: string; accepted: boolean };
  "im.friend.removed": { userId: string; peerId: string };
  "im.friend.updated": { userId: string; peerId: string };
  "im.friend.block.changed": { userId: string; peerId: string; blocked: boolean };
  "im.group.created": { groupId: string; actorId: string; memberIds: string[] };
  "im.group.member.joined": { groupId: string; change: GroupChange };
  /** Also of members who were removed. */
  "im.group.member.left": { groupId: string; change: GroupChange };
  /** Every other change of a group. */
  "im.group.changed": { groupId: string; change: GroupChange };
  "im.group.invitation.sent": { invitationId: string; groupId: string; inviterId: string; inviteeId: string };
  "im.group.invitation.handled": {
    invitationId: string;
    groupId: string;
    inviterId: string;
    inviteeId: string;
    accepted: boolean;
  };
  "im.group.join.requested": { requestId: string; groupId: string; userId: string; approverIds: string[] };
  "im.group.join.handled": { requestId: string; groupId: string; userId: string; actorId: string; accepted: boolean };
  "im.message.recalled": { conversationId: string; messageId: string; actorId: string };
  /** In a group. */
  "im.message.pinned": { conversationId: string; messageId: string; actorId: string };
  /** A scheduled message was refused when its time had come; `reason`: the type of the error. */
  "im.message.schedule.failed": { scheduledId: string; userId: string; conversationId: string; reason: string };
  "im.system.alert.triggered": { alert: string; detail: string };
}
export type DomainEventName = keyof DomainEvents;

/**
 * A change of a group that its members see as one system message (C5). `event` is the `content.event` of that message,
 * `actorId` who did it, `userIds` whom it concerns.
 */
export interface GroupChange {
  event:
    | "group.created"
    | "group.renamed"
    | "group.avatar.changed"
    | "group.announcement.changed"
    | "group.settings.changed"
    | "group.muted"
    | "group.unmuted"
    | "group.dissolved"
    | "group.owner.changed"
    | "member.joined"
    | "member.left"
    | "member.removed"
    | "member.role.changed"
    | "member.muted"
    | "member.unmuted";
  actorId: string;
  userIds: string[];
  data: Record<string, unknown>;
  /** In a large group, where it would be noise: there is no system message, and only those whom it concerns are told. */
  quiet?: true;
}

export type SessionEndReason =
  "logout" | "replaced" | "removed" | "password_changed" | "disabled" | "deleted" | "token_reused" | "kicked";

/**
 * Events on Moleculer's bus. They are lost when the bus is away, so they carry only hints whose loss something else repairs.
 */
export interface BusEvents {
  /** Sessions ended; gateways look by themselves every `SESSION_CHECK_EVERY_MS` too. */
  "session.ended": { userId: string; sessionIds: string[]; reason: SessionEndReason };
  /** The first connection of a user opened or the last one closed, somewhere. */
  "presence.changed": { userId: string; online: boolean; at: number };
  /** A gateway could not push to the others for a time, and can again: their clients may have missed something. */
  "pushes.missed": { gatewayNodeId: string };
}
export type BusEventName = keyof BusEvents;
