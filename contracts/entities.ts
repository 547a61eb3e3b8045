import { Type, type Static } from "typebox";
import * as limits from "./limits.ts";
import { Message, HistoryItem } from "./message-entities.ts";
import {
  Avatar,
  Block,
  Closed,
  ConversationId,
  DeviceId,
  DeviceType,
  Email,
  Id,
  Name,
  Nullable,
  OneOf,
  Phone,
  PositiveSeq,
  Seq,
  Time,
  Username,
  Version,
} from "./primitives.ts";

export * from "./message-entities.ts";

export const Gender = OneOf("unknown", "male", "female", "other");
const userFields = {
  userId: Id,
  username: Username,
  nickname: Name,
  avatar: Avatar,
  signature: Type.String(),
  gender: Gender,
  region: Type.String(),
};
/** A user as others see them. */
export const User = Closed(userFields);
/** A user as they see themselves. */
export const OwnUser = Closed({ ...userFields, phone: Nullable(Phone), email: Nullable(Email), createdAt: Time });

/** Do-not-disturb hours, `HH:MM` in an IANA time zone; `from` after `to` runs past midnight. */
export const DoNotDisturb = Closed({
  from: Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
  to: Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
  timeZone: Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_+/-]+$" }),
});
export const Settings = Closed({
  whoMayAddMe: OneOf("everyone", "nobody"),
  searchable: Type.Boolean(),
  showReadReceipts: Type.Boolean({
    description:
      "Switched off, nobody is told what I have read and what was delivered to me, nor afterwards what I read meanwhile; I still see the receipts of others",
  }),
  showPresence: Type.Boolean(),
  dnd: Nullable(DoNotDisturb),
  language: OneOf("en", "zh"),
});

export const Device = Closed({
  deviceId: DeviceId,
  deviceType: DeviceType,
  deviceName: Type.String(),
  online: Type.Boolean(),
  lastSeenAt: Time,
  current: Type.Boolean(),
});

export const Friend = Closed({
  user: User,
  remark: Type.String(),
  muted: Type.Boolean(),
  tags: Type.Array(Type.String()),
  since: Time,
});
export const FriendRequest = Closed({
  requestId: Id,
  from: User,
  to: User,
  message: Type.String(),
  status: OneOf("pending", "accepted", "rejected"),
  createdAt: Time,
  handledAt: Nullable(Time),
});
export const ListedUser = Closed({ user: User, since: Time });

export const Role = OneOf("owner", "admin", "member");
export const JoinMode = OneOf("invite", "approval", "open");
/** Who may mention `all` in a message. */
export const MentionAllBy = Type.Enum(["members", "admins"], {
  description: `Who may mention all. Until it is set: everybody up to ${limits.MENTION_ALL_GROUP} members, owner and admins in a larger group`,
});
/** A group as its members see it. */
export const Group = Closed({
  groupId: Id,
  conversationId: ConversationId,
  name: Name,
  avatar: Avatar,
  announcement: Block(limits.MAX_ANNOUNCEMENT_LENGTH),
  ownerId: Id,
  memberCount: Type.Integer(),
  maxMembers: Type.Integer(),
  joinMode: JoinMode,
  historyVisible: Type.Boolean(),
  memberInvite: Type.Boolean(),
  mentionAllBy: MentionAllBy,
  allMuted: Type.Boolean(),
  myRole: Role,
  version: Version,
  createdAt: Time,
});
/** A group as an outsider sees it, when it can be joined without an invitation. */
export const GroupCard = Closed({ groupId: Id, name: Name, avatar: Avatar, memberCount: Type.Integer(), joinMode: JoinMode });
export const Member = Closed({
  userId: Id,
  user: User,
  role: Role,
  nickname: Type.String(),
  mutedUntil: Nullable(Time),
  joinedAt: Time,
});
export const Invitation = Closed({
  invitationId: Id,
  group: GroupCard,
  inviter: User,
  status: OneOf("pending", "accepted", "rejected", "expired"),
  expiresAt: Time,
});
export const JoinRequest = Closed({
  requestId: Id,
  groupId: Id,
  user: User,
  message: Type.String(),
  status: OneOf("pending", "accepted", "rejected"),
  createdAt: Time,
  handledAt: Nullable(Time),
});
export const InviteLink = Closed({
  inviteCode: Type.String(),
  expiresAt: Nullable(Time),
  maxUses: Nullable(Type.Integer()),
  uses: Type.Integer(),
});

export const Conversation = Closed({
  conversationId: ConversationId,
  type: OneOf("direct", "group", "service"),
  peer: Type.Optional(User),
  group: Type.Optional(Group),
  lastMessage: Nullable(Message),
  maxSeq: Seq,
  readSeq: Seq,
  unread: Type.Integer({
    minimum: 0,
    maximum: limits.MAX_COUNTED_UNREAD,
    description: "The highest stands for that many or more",
  }),
  mentioned: Type.Boolean(),
  pinned: Type.Boolean(),
  muted: Type.Boolean(),
  hidden: Type.Boolean(),
  draft: Type.String(),
});

/** A stretch of one conversation; `minSeq` and `maxSeq` bound what the caller can see of it. */
export const SyncPage = Closed({
  items: Type.Array(HistoryItem),
  more: Type.Boolean({ description: "There are more: behind the last item, or before the first one of the newest page" }),
  minSeq: PositiveSeq,
  maxSeq: Seq,
});
/** What happened to a message that stood already; `message` as the caller sees it now, null when it was deleted for them. */
export const Change = Closed({
  version: Version,
  type: OneOf("edited", "recalled", "deleted", "reacted", "pinned"),
  conversationId: ConversationId,
  messageId: Id,
  message: Nullable(Message),
});

export const Notification = Closed({
  notificationId: Id,
  type: Type.String(),
  text: Type.String(),
  data: Type.Record(Type.String(), Type.Unknown()),
  read: Type.Boolean(),
  createdAt: Time,
});

export const Presence = Closed({
  userId: Id,
  online: Type.Boolean(),
  lastSeenAt: Nullable(Time),
  devices: Type.Array(Closed({ deviceId: DeviceId, deviceType: DeviceType })),
});

export type User = Static<typeof User>;
export type OwnUser = Static<typeof OwnUser>;
export type Settings = Static<typeof Settings>;
export type Device = Static<typeof Device>;
export type Friend = Static<typeof Friend>;
export type FriendRequest = Static<typeof FriendRequest>;
export type Role = Static<typeof Role>;
export type JoinMode = Static<typeof JoinMode>;
export type MentionAllBy = Static<typeof MentionAllBy>;
export type Group = Static<typeof Group>;
export type GroupCard = Static<typeof GroupCard>;
export type Member = Static<typeof Member>;
export type Invitation = Static<typeof Invitation>;
export type JoinRequest = Static<typeof JoinRequest>;
export type InviteLink = Static<typeof InviteLink>;
export type Conversation = Static<typeof Conversation>;
export type SyncPage = Static<typeof SyncPage>;
export type Change = Static<typeof Change>;
export type Notification = Static<typeof Notification>;
export type Presence = Static<typeof Presence>;
