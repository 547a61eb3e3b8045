import type { Group, GroupCard, Role } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { imError } from "../../lib/errors.ts";
import type { Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { mayMentionAll } from "./permissions.ts";
import { findGroup, groupsOf, leftSince, listVersion } from "./repository/groups.ts";
import { invitationsOf } from "./repository/invitations.ts";
import { joinRequestsOf } from "./repository/joining.ts";
import { findMember, membershipsOf, membersAfter, membersOf } from "./repository/members.ts";
import { cardOf, groupFor, mentionAllBy, roleName } from "./repository/rows.ts";

type Reading = Pick<GroupDeps, "sql">;

/** All of a member's groups, or what changed after `sinceVersion`; a version that this list never gave brings all. */
export async function myGroups(
  { sql }: Reading,
  userId: string,
  sinceVersion?: string,
): Promise<{ items: Group[]; removed: string[]; version: string }> {
  // Read before the groups: what changes in between comes again the next time.
  const version = await listVersion(sql, userId);
  const since = sinceVersion !== undefined && /^\d{1,15}$/.test(sinceVersion) ? Number(sinceVersion) : null;
  const delta = since !== null && since <= version ? since : undefined;
  const mine = await groupsOf(sql, userId, { since: delta });
  const removed = delta === undefined ? [] : await leftSince(sql, userId, delta);
  return { items: mine.map(({ group, role }) => groupFor(group, role)), removed, version: String(version) };
}

/** The version that `myGroups` would give. */
export async function myVersion({ sql }: Reading, userId: string): Promise<{ version: string }> {
  return { version: String(await listVersion(sql, userId)) };
}

/** Members see the group, outsiders the card of one that can be joined. @throws GROUP_NOT_FOUND */
export async function viewGroup({ sql }: Reading, { groupId, userId }: Who): Promise<Group | GroupCard> {
  const group = await findGroup(sql, groupId);
  if (!group || group.dissolvedAt !== null) throw imError("GROUP_NOT_FOUND");
  const me = await findMember(sql, groupId, userId);
  if (me) return groupFor(group, me.role);
  if (group.joinMode === "invite") throw imError("GROUP_NOT_FOUND");
  return cardOf(group);
}

/** Groups as this member sees them; those that the user is no member of are missing. */
export async function groupsById({ sql }: Reading, userId: string, groupIds: readonly string[]): Promise<Group[]> {
  if (groupIds.length === 0) return [];
  return (await groupsOf(sql, userId, { groupIds })).map(({ group, role }) => groupFor(group, role));
}

export interface MemberStates {
  readonly allMuted: boolean;
  readonly dissolved: boolean;
  readonly members: { userId: string; role: Role; mutedUntil: number | null }[];
  /** Whoever reads a page goes on with this. */
  readonly next?: string;
}

/** A dissolved group has no members; null when there never was such a group. */
export async function memberStates(
  { sql }: Reading,
  { groupId, userIds, after, limit }: Params<"group.memberStates">,
): Promise<MemberStates | null> {
  // The group last: one that is dissolved in between says so, rather than to have no members and no reason.
  const members = limit === undefined ? await membersOf(sql, groupId, userIds) : await membersAfter(sql, groupId, after, limit);
  const group = await findGroup(sql, groupId);
  if (!group) return null;
  const last = members.length === limit ? members.at(-1) : undefined;
  return {
    allMuted: group.allMuted,
    dissolved: group.dissolvedAt !== null,
    members: members.map(({ userId, role, mutedUntil }) => ({ userId, role, mutedUntil })),
    ...(last && { next: last.userId }),
  };
}

/** Whether the user may mention all; false for outsiders. */
export async function mayMentionAllIn({ sql }: Reading, { groupId, userId }: Who): Promise<boolean> {
  const [group, me] = [await findGroup(sql, groupId), await findMember(sql, groupId, userId)];
  return group !== null && me !== null && mayMentionAll(me.role, mentionAllBy(group));
}

/** 0 when there is no such group, or it was dissolved. */
export async function memberCount({ sql }: Reading, groupId: string): Promise<number> {
  return (await findGroup(sql, groupId))?.memberCount ?? 0;
}

/** All that is kept about a user here, for the export. */
export async function exportGroups({ sql }: Reading, userId: string): Promise<Record<string, unknown>> {
  const [memberships, invitations, joinRequests] = await Promise.all([
    membershipsOf(sql, userId),
    invitationsOf(sql, userId),
    joinRequestsOf(sql, userId),
  ]);
  return {
    groups: memberships.map((membership) => ({ ...membership, role: roleName(membership.role) })),
    invitations,
    joinRequests,
  };
}
