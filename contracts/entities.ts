import { Type, type Static } from "typebox";
import * as limits from "./limits.ts";
import {
  Avatar,
  Block,
  ClientMsgId,
  Closed,
  ConversationId,
  DeviceId,
  DeviceType,
  Email,
  Id,
  Line,
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

/** What a client may send. The types that need a stored file are accepted once files exist. */
export const SendableType = OneOf("text", "markdown", "location", "card", "custom", "forward");
export const MessageType = OneOf(
  "text",
  "markdown",
  "image",
  "voice",
  "video",
  "file",
  "location",
  "card",
  "custom",
  "forward",
  "system",
  "call",
  "void",
);
/** Its shape follows the type; `contentOf` (contracts/content.ts) has one schema for each. */
export const Content = Type.Record(Type.String(), Type.Unknown());
export const Mention = Type.Union([Id, Type.Literal("all")]);
export const Mentions = Type.Array(Mention, { maxItems: limits.MAX_MENTIONS, uniqueItems: true });
export const BurnAfterMs = Type.Integer({
  minimum: limits.MIN_BURN_AFTER_MS,
  maximum: limits.MAX_BURN_AFTER_MS,
  description: "The message burns so long after its reader has read it; between two people only",
});
export const Emoji = Line(1, limits.MAX_EMOJI_LENGTH);
export const Reaction = Closed({
  emoji: Emoji,
  count: Type.Integer(),
  userIds: Type.Array(Id),
  mine: Type.Optional(Type.Boolean()),
});
export const ReplyPreview = Closed({
  messageId: Id,
  seq: PositiveSeq,
  senderId: Type.String(),
  type: MessageType,
  preview: Type.String(),
  withheld: Type.Optional(
    Type.Boolean({
      description:
        "The words are not given here; who can see the original finds them in the history, others show that there is one",
    }),
  ),
});
/** The messages that were sent in a thread, as far as they are not recalled and the viewer can see them. */
export const ThreadSummary = Closed({ count: Type.Integer({ minimum: 1 }), lastSeq: PositiveSeq, lastAt: Time });
export const Message = Closed({
  messageId: Id,
  conversationId: ConversationId,
  seq: PositiveSeq,
  /** "0" for system messages. */
  senderId: Type.String({ pattern: "^(0|[1-9][0-9]{0,18})$" }),
  clientMsgId: ClientMsgId,
  type: MessageType,
  content: Content,
  replyTo: Type.Optional(ReplyPreview),
  mentions: Type.Optional(Mentions),
  createdAt: Time,
  editedAt: Type.Optional(Time),
  recalledAt: Type.Optional(Time),
  reactions: Type.Optional(Type.Array(Reaction)),
  threadId: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,18}$", description: "The message at which its thread begins" })),
  thread: Type.Optional(ThreadSummary),
  pinnedAt: Type.Optional(Time),
  burnAfterMs: Type.Optional(BurnAfterMs),
  burnsAt: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: "Epoch milliseconds; given to its reader once it is read, to its sender where they may know of the reading",
    }),
  ),
  status: OneOf("accepted", "persisted"),
});
export const PinnedMessage = Closed({ ...Message.properties, pinnedAt: Time, pinnedBy: Id });
/** What a message said when its user kept it. Its content is `{}` once the message is recalled. */
export const Favorite = Closed({
  favoriteId: Id,
  message: Closed({
    messageId: Id,
    conversationId: ConversationId,
    seq: PositiveSeq,
    senderId: Id,
    type: MessageType,
    content: Content,
    createdAt: Time,
    recalledAt: Type.Optional(Time),
  }),
  createdAt: Time,
});
/**
 * A message that waits for its time. `sending`: its time has come, and it can be neither changed nor cancelled; `failed`: it was
 * refused then. Its content is `{}` once it is sent or cancelled.
 */
export const ScheduledState = OneOf("waiting", "sending", "sent", "failed", "cancelled");
export const ScheduledMessage = Closed({
  scheduledId: Id,
  conversationId: ConversationId,
  clientMsgId: ClientMsgId,
  type: SendableType,
  content: Content,
  replyTo: Type.Optional(Id),
  mentions: Type.Optional(Mentions),
  sendAt: Time,
  state: ScheduledState,
  failure: Type.Optional(Closed({ code: Type.Integer(), message: Type.String() })),
  messageId: Type.Optional(Id),
  seq: Type.Optional(PositiveSeq),
  sentAt: Type.Optional(Time),
  createdAt: Time,
});
/** Seqs whose messages could never be stored; clients pass over them. */
export const VoidRange = Closed({ seq: PositiveSeq, toSeq: PositiveSeq, type: Type.Literal("void") });
export const HistoryItem = Type.Union([Message, VoidRange]);
export const SendResult = Closed({ messageId: Id, conversationId: ConversationId, seq: PositiveSeq, createdAt: Time });

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
export type MessageType = Static<typeof MessageType>;
export type SendableType = Static<typeof SendableType>;
export type Content = Static<typeof Content>;
export type Reaction = Static<typeof Reaction>;
export type ReplyPreview = Static<typeof ReplyPreview>;
export type ThreadSummary = Static<typeof ThreadSummary>;
export type Message = Static<typeof Message>;
export type PinnedMessage = Static<typeof PinnedMessage>;
export type Favorite = Static<typeof Favorite>;
export type ScheduledState = Static<typeof ScheduledState>;
export type ScheduledMessage = Static<typeof ScheduledMessage>;
export type VoidRange = Static<typeof VoidRange>;
export type HistoryItem = Static<typeof HistoryItem>;
export type SendResult = Static<typeof SendResult>;
export type Conversation = Static<typeof Conversation>;
export type SyncPage = Static<typeof SyncPage>;
export type Change = Static<typeof Change>;
export type Notification = Static<typeof Notification>;
export type Presence = Static<typeof Presence>;
