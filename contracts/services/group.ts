import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Group, GroupCard, Invitation, InviteLink, JoinMode, JoinRequest, Member, MentionAllBy, Role } from "../entities.ts";
import {
  MAX_ANNOUNCEMENT_LENGTH,
  MAX_GROUP_MEMBERS,
  MAX_NOTE_LENGTH,
  MAX_USERS_IN_REQUEST,
  MIN_GROUP_MEMBERS,
} from "../limits.ts";
import {
  Avatar,
  Block,
  Closed,
  Cursor,
  Id,
  Limit,
  Line,
  Name,
  Nothing,
  Nullable,
  OneOf,
  Page,
  Time,
  UserIds,
  Version,
} from "../primitives.ts";

const ById = Closed({ groupId: Id });
const Gone = ["GROUP_NOT_FOUND"] as const;
const Guarded = ["GROUP_NOT_FOUND", "ROLE_FORBIDS"] as const;
const OnMember = ["GROUP_NOT_FOUND", "ROLE_FORBIDS", "NOT_A_MEMBER"] as const;

export const groupContract = {
  create: {
    summary: "Make a group; friends whose white list holds me join at once, the others are invited",
    params: Closed({
      name: Name,
      memberIds: Type.Optional(Type.Array(Id, { maxItems: MAX_USERS_IN_REQUEST, uniqueItems: true })),
      avatar: Type.Optional(Avatar),
      maxMembers: Type.Optional(Type.Integer({ minimum: MIN_GROUP_MEMBERS, maximum: MAX_GROUP_MEMBERS })),
      joinMode: Type.Optional(JoinMode),
      historyVisible: Type.Optional(Type.Boolean()),
      memberInvite: Type.Optional(Type.Boolean()),
      mentionAllBy: Type.Optional(MentionAllBy),
    }),
    result: Closed({ group: Group, joined: Type.Array(Id), invited: Type.Array(Id) }),
    errors: ["GROUP_FULL", "QUOTA_EXCEEDED"],
  },
  mine: {
    summary: "My groups: all, or what changed since a version",
    params: Closed({ sinceVersion: Type.Optional(Version) }),
    result: Closed({ items: Type.Array(Group), removed: Type.Array(Id), version: Version }),
    idempotent: true,
  },
  get: {
    summary: "A group; outsiders see the card of one that can be joined",
    params: ById,
    result: Type.Union([Group, GroupCard]),
    errors: Gone,
    idempotent: true,
  },
  update: {
    summary: "Change a group",
    params: Closed({
      groupId: Id,
      name: Type.Optional(Name),
      avatar: Type.Optional(Avatar),
      announcement: Type.Optional(Block(MAX_ANNOUNCEMENT_LENGTH)),
      maxMembers: Type.Optional(Type.Integer({ minimum: MIN_GROUP_MEMBERS, maximum: MAX_GROUP_MEMBERS })),
      joinMode: Type.Optional(JoinMode),
      historyVisible: Type.Optional(Type.Boolean()),
      memberInvite: Type.Optional(Type.Boolean()),
      mentionAllBy: Type.Optional(MentionAllBy),
    }),
    result: Group,
    errors: Guarded,
    idempotent: true,
  },
  dissolve: { summary: "End a group for everyone", params: ById, result: Nothing, errors: Guarded },
  members: {
    summary: "Members, owner and admins first",
    params: Closed({ groupId: Id, limit: Limit, cursor: Cursor }),
    result: Page(Member),
    errors: Gone,
    idempotent: true,
  },
  invite: {
    summary: "Invite friends; those whose white list holds me join at once",
    params: Closed({ groupId: Id, userIds: UserIds }),
    result: Closed({ joined: Type.Array(Id), invited: Type.Array(Id) }),
    errors: ["GROUP_NOT_FOUND", "ROLE_FORBIDS", "GROUP_FULL", "QUOTA_EXCEEDED"],
  },
  removeMember: {
    summary: "Remove a member; oneself: leave",
    params: Closed({ groupId: Id, userId: Id }),
    result: Nothing,
    errors: ["GROUP_NOT_FOUND", "ROLE_FORBIDS", "NOT_A_MEMBER", "OWNER_MUST_TRANSFER"],
  },
  updateMember: {
    summary: "Set a member's role or mute, or one's own nickname in the group",
    params: Closed({
      groupId: Id,
      userId: Id,
      role: Type.Optional(OneOf("admin", "member")),
      nickname: Type.Optional(Line(0, 64)),
      mutedUntil: Type.Optional(Nullable(Time)),
    }),
    result: Member,
    errors: OnMember,
    idempotent: true,
  },
  transfer: {
    summary: "Make another member the owner",
    params: Closed({ groupId: Id, userId: Id }),
    result: Group,
    errors: OnMember,
  },
  muteAll: {
    summary: "Let only owner and admins send, or everyone again",
    params: Closed({ groupId: Id, all: Type.Boolean() }),
    result: Group,
    errors: Guarded,
    idempotent: true,
  },
  setAnnouncement: {
    summary: "Change the announcement",
    params: Closed({ groupId: Id, text: Block(MAX_ANNOUNCEMENT_LENGTH) }),
    result: Group,
    errors: Guarded,
    idempotent: true,
  },
  invitations: {
    summary: "Invitations that wait for my answer, newest first",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(Invitation),
    idempotent: true,
  },
  handleInvitation: {
    summary: "Accept or reject an invitation",
    params: Closed({ invitationId: Id, action: OneOf("accept", "reject") }),
    result: Invitation,
    errors: ["INVITATION_NOT_FOUND", "INVITATION_HANDLED", "GROUP_FULL", "GROUP_NOT_FOUND", "ALREADY_MEMBER"],
  },
  join: {
    summary: "Join by invite code, or a group that is open; ask for approval where the group wants it",
    params: Closed({
      groupId: Id,
      message: Type.Optional(Line(0, MAX_NOTE_LENGTH)),
      inviteCode: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" })),
    }),
    result: Closed({ joined: Type.Boolean(), requestId: Nullable(Id), group: Nullable(Group) }),
    errors: ["GROUP_NOT_FOUND", "GROUP_FULL", "INVITE_CODE_INVALID", "ALREADY_MEMBER", "JOIN_PENDING", "QUOTA_EXCEEDED"],
  },
  joinRequests: {
    summary: "Requests to join that wait, newest first",
    params: Closed({ groupId: Id, limit: Limit, cursor: Cursor }),
    result: Page(JoinRequest),
    errors: Guarded,
    idempotent: true,
  },
  handleJoinRequest: {
    summary: "Accept or reject a request to join",
    params: Closed({ groupId: Id, requestId: Id, action: OneOf("accept", "reject") }),
    result: JoinRequest,
    errors: ["GROUP_NOT_FOUND", "ROLE_FORBIDS", "JOIN_REQUEST_NOT_FOUND", "JOIN_REQUEST_HANDLED", "GROUP_FULL"],
  },
  createInviteLink: {
    summary: "Make an invite link",
    params: Closed({
      groupId: Id,
      expiresAt: Type.Optional(Time),
      maxUses: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_GROUP_MEMBERS })),
    }),
    result: InviteLink,
    errors: Guarded,
  },
  /**
   * Internal: what accepting needs; null when there is no such group. All members when no ids are given, or with a `limit` those
   * behind `after` by user id, and `next` to go on with; those who are none are missing.
   */
  memberStates: {
    summary: "Roles and mutes of a group's members",
    params: Closed({
      groupId: Id,
      userIds: Type.Optional(Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS })),
      after: Type.Optional(Id),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_GROUP_MEMBERS })),
    }),
    result: Nullable(
      Closed({
        allMuted: Type.Boolean(),
        dissolved: Type.Boolean(),
        members: Type.Array(Closed({ userId: Id, role: Role, mutedUntil: Nullable(Time) })),
        next: Type.Optional(Id),
      }),
    ),
    idempotent: true,
  },
  /** Internal: whether a user may mention all in the group; false for those who are no members. */
  mayMentionAll: {
    summary: "May this member mention all",
    params: Closed({ groupId: Id, userId: Id }),
    result: Type.Boolean(),
    idempotent: true,
  },
  /** Internal: groups as `userId` sees them (members only), for conversation lists; unknown or left ones are missing. */
  getMany: {
    summary: "Groups by id",
    params: Closed({ userId: Id, groupIds: Type.Array(Id, { maxItems: 5_000 }) }),
    result: Type.Array(Group),
    idempotent: true,
  },
  /** Internal. */
  ownedBy: { summary: "Ids of the groups a user owns", params: Closed({ userId: Id }), result: Type.Array(Id), idempotent: true },
  /** Internal: the number of members; 0 when there is no such group. */
  memberCount: {
    summary: "How many members a group has",
    params: Closed({ groupId: Id }),
    result: Type.Integer(),
    idempotent: true,
  },
  /** Internal: the version that `mine` would give. */
  version: {
    summary: "The version of a user's list of groups",
    params: Closed({ userId: Id }),
    result: Closed({ version: Version }),
    idempotent: true,
  },
  /** Internal: a user's own memberships, invitations and requests, for the export. */
  exportOf: {
    summary: "Groups of a user",
    params: Closed({ userId: Id }),
    result: Type.Record(Type.String(), Type.Unknown()),
    idempotent: true,
  },
} satisfies ServiceContract;
