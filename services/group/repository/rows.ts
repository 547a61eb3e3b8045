import type { Group, GroupCard, JoinMode, MentionAllBy, Role } from "../../../contracts/entities.ts";
import { MENTION_ALL_GROUP } from "../../../contracts/limits.ts";
import { groupConversationId } from "../../../lib/conversation-id.ts";

/** A BIGINT id as the database gives it: a string where it does not fit a number. */
export type SqlId = string | number;

const roles: readonly Role[] = ["owner", "admin", "member"];

/** Roles stand as numbers, so that owner and admins come first in an index. */
export const roleNumber = (role: Role): number => roles.indexOf(role);
export const roleName = (number: number): Role => roles[number] ?? "member";

export interface GroupRecord {
  readonly groupId: string;
  readonly name: string;
  readonly avatar: string;
  readonly announcement: string;
  readonly ownerId: string;
  readonly memberCount: number;
  readonly maxMembers: number;
  readonly joinMode: JoinMode;
  readonly historyVisible: boolean;
  readonly memberInvite: boolean;
  /** null: as its size says (`mentionAllBy()`). */
  readonly mentionAllBy: MentionAllBy | null;
  readonly allMuted: boolean;
  readonly dissolvedAt: number | null;
  readonly version: number;
  readonly createdAt: number;
}

export interface GroupRow {
  group_id: SqlId;
  name: string;
  avatar: string;
  announcement: string;
  owner_id: SqlId;
  member_count: number;
  max_members: number;
  join_mode: JoinMode;
  history_visible: number;
  member_invite: number;
  mention_all_by: MentionAllBy | null;
  all_muted: number;
  dissolved_at: number | null;
  version: number;
  created_at: number;
}

export function groupRecord(row: GroupRow): GroupRecord {
  return {
    groupId: String(row.group_id),
    name: row.name,
    avatar: row.avatar,
    announcement: row.announcement,
    ownerId: String(row.owner_id),
    memberCount: row.member_count,
    maxMembers: row.max_members,
    joinMode: row.join_mode,
    historyVisible: row.history_visible === 1,
    memberInvite: row.member_invite === 1,
    mentionAllBy: row.mention_all_by,
    allMuted: row.all_muted === 1,
    dissolvedAt: row.dissolved_at,
    version: row.version,
    createdAt: row.created_at,
  };
}

/** Who may mention all: what the group says, else everybody in a small one, owner and admins in a large one. */
export const mentionAllBy = ({
  mentionAllBy: said,
  memberCount,
}: Pick<GroupRecord, "mentionAllBy" | "memberCount">): MentionAllBy =>
  said ?? (memberCount > MENTION_ALL_GROUP ? "admins" : "members");

/** As a member with this role sees it. */
export function groupFor({ dissolvedAt: _, ...group }: GroupRecord, myRole: Role): Group {
  return {
    ...group,
    mentionAllBy: mentionAllBy(group),
    conversationId: groupConversationId(group.groupId),
    version: String(group.version),
    myRole,
  };
}

/** As an outsider sees it. */
export function cardOf({ groupId, name, avatar, memberCount, joinMode }: GroupRecord): GroupCard {
  return { groupId, name, avatar, memberCount, joinMode };
}

export interface MemberRecord {
  readonly userId: string;
  readonly role: Role;
  readonly nickname: string;
  /** May be past. */
  readonly mutedUntil: number | null;
  readonly joinedAt: number;
}

export interface MemberRow {
  user_id: SqlId;
  role: number;
  nickname: string;
  muted_until: number | null;
  joined_at: number;
}

export function memberRecord(row: MemberRow): MemberRecord {
  return {
    userId: String(row.user_id),
    role: roleName(row.role),
    nickname: row.nickname,
    mutedUntil: row.muted_until,
    joinedAt: row.joined_at,
  };
}
