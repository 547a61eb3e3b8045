import type { Role } from "../../../contracts/entities.ts";
import { gatherOn, type GatherOptions } from "../../../lib/gather.ts";
import type { Database, SqlParams, SqlValue, Tx } from "../../../mixins/database/port.ts";
import { advanceRosterVersions, readRosterVersions } from "../../../mixins/database/roster-versions.ts";
import { groupRecord, roleName, type GroupRecord, type GroupRow, type SqlId } from "./rows.ts";

/** What many ask for at once, as when all clients come back, goes into few statements. */
const GATHERED: GatherOptions = { parallel: 2, maxItems: 64 };

/** In the place of a user: the changes of all groups are counted together. */
const ALL_GROUPS = "0";

/**
 * The number of the change that `tx` makes. It locks the counter until `tx` ends, so group transactions follow each other and
 * their numbers become visible in their order.
 */
export async function nextVersion(sql: Database, tx: Tx): Promise<number> {
  await advanceRosterVersions(sql, tx, "groups", [ALL_GROUPS]);
  return (await readRosterVersions(sql, "groups", [ALL_GROUPS], tx)).get(ALL_GROUPS)!;
}

export async function insertGroup(sql: Database, group: GroupRecord, tx: Tx): Promise<void> {
  const row = {
    group_id: group.groupId,
    name: group.name,
    avatar: group.avatar,
    announcement: group.announcement,
    owner_id: group.ownerId,
    member_count: group.memberCount,
    max_members: group.maxMembers,
    join_mode: group.joinMode,
    history_visible: Number(group.historyVisible),
    member_invite: Number(group.memberInvite),
    mention_all_by: group.mentionAllBy,
    all_muted: Number(group.allMuted),
    dissolved_at: group.dissolvedAt,
    version: group.version,
    created_at: group.createdAt,
  };
  await sql.insertRows("im_group", [row], "fail", tx);
}

/** Dissolved ones as well. */
export async function findGroup(sql: Database, groupId: string, tx?: Tx): Promise<GroupRecord | null> {
  const [row] = await sql.select<GroupRow>("select * from im_group where group_id = :groupId", { groupId }, tx);
  return row ? groupRecord(row) : null;
}

/** Those that are not dissolved. */
export async function findGroups(sql: Database, groupIds: readonly string[]): Promise<Map<string, GroupRecord>> {
  if (groupIds.length === 0) return new Map();
  const rows = await sql.select<GroupRow>("select * from im_group where group_id in (:groupIds) and dissolved_at is null", {
    groupIds,
  });
  return new Map(rows.map(groupRecord).map((group) => [group.groupId, group]));
}

const columns = {
  name: "name",
  avatar: "avatar",
  announcement: "announcement",
  ownerId: "owner_id",
  maxMembers: "max_members",
  joinMode: "join_mode",
  historyVisible: "history_visible",
  memberInvite: "member_invite",
  mentionAllBy: "mention_all_by",
  allMuted: "all_muted",
  version: "version",
} as const;
export type GroupFields = Partial<Pick<GroupRecord, keyof typeof columns>>;

export async function updateGroup(sql: Database, groupId: string, fields: GroupFields, tx: Tx): Promise<void> {
  const params: Record<string, SqlValue> = { groupId };
  for (const [name, value] of Object.entries(fields)) params[name] = typeof value === "boolean" ? Number(value) : value;
  const set = Object.keys(fields)
    .map((name) => `${columns[name as keyof GroupFields]} = :${name}`)
    .join(", ");
  await sql.execute(`update im_group set ${set} where group_id = :groupId`, params, tx);
}

export async function markDissolved(sql: Database, groupId: string, now: number, tx: Tx): Promise<void> {
  await sql.execute("update im_group set dissolved_at = :now, member_count = 0 where group_id = :groupId", { groupId, now }, tx);
}

export interface Mine {
  readonly group: GroupRecord;
  readonly role: Role;
}

/** Groups that the user is a member of: all, or the named ones, or those that changed after a version. */
export async function groupsOf(
  sql: Database,
  userId: string,
  { groupIds, since }: { groupIds?: readonly string[]; since?: number } = {},
): Promise<readonly Mine[]> {
  if (groupIds) return (await namedGroups(sql, [{ userId, groupIds }]))[0]!;
  const rows = await sql.select<MineRow>(
    `${selectMine} where m.user_id = :userId and m.left_at is null
      ${since === undefined ? "" : "and (g.version > :since or m.version > :since)"} order by m.group_id`,
    { userId, since: since ?? null },
  );
  return rows.map(mineOf);
}

type MineRow = GroupRow & { user_id: SqlId; my_role: number };
const selectMine = "select g.*, m.user_id, m.role as my_role from group_member m join im_group g on g.group_id = m.group_id";
const mineOf = (row: MineRow): Mine => ({ group: groupRecord(row), role: roleName(row.my_role) });

const namedGroups = gatherOn(readNamedGroups, GATHERED);

async function readNamedGroups(
  sql: Database,
  named: readonly { userId: string; groupIds: readonly string[] }[],
): Promise<Mine[][]> {
  const one = (_: unknown, i: number): string => `(m.user_id = :user${i} and m.group_id in (:groups${i}))`;
  const params: SqlParams[] = named.map(({ userId, groupIds }, i) => ({ [`user${i}`]: userId, [`groups${i}`]: groupIds }));
  const rows = await sql.select<MineRow>(
    `${selectMine} where (${named.map(one).join(" or ")}) and m.left_at is null order by m.group_id`,
    Object.assign({}, ...params) as SqlParams,
  );
  const byUser = Map.groupBy(rows, (row) => String(row.user_id));
  return named.map(({ userId, groupIds }) => {
    const wanted = new Set(groupIds);
    return (byUser.get(userId) ?? []).map(mineOf).filter(({ group }) => wanted.has(group.groupId));
  });
}

/** Groups that the user has left since, or that were dissolved. */
export async function leftSince(sql: Database, userId: string, since: number): Promise<string[]> {
  const rows = await sql.select<{ group_id: SqlId }>(
    "select group_id from group_member where user_id = :userId and version > :since and left_at is not null order by group_id",
    { userId, since },
  );
  return rows.map((row) => String(row.group_id));
}

/** The last change of the user's list of groups, or of a group in it; 0 for a user who never was in one. */
export async function listVersion(sql: Database, userId: string): Promise<number> {
  const [version] = await listVersions(sql, [userId]);
  return version!;
}

const listVersions = gatherOn(readListVersions, GATHERED);

async function readListVersions(sql: Database, userIds: readonly string[]): Promise<number[]> {
  const rows = await sql.select<{ user_id: SqlId; mine: number | null; newest: number | null }>(
    `select m.user_id, max(m.version) as mine, max(case when m.left_at is null then g.version end) as newest
      from group_member m join im_group g on g.group_id = m.group_id where m.user_id in (:userIds) group by m.user_id`,
    { userIds },
  );
  const versions = new Map(rows.map((row) => [String(row.user_id), Math.max(row.mine ?? 0, row.newest ?? 0)]));
  return userIds.map((userId) => versions.get(userId) ?? 0);
}

export async function ownedGroupIds(sql: Database, userId: string): Promise<string[]> {
  const rows = await sql.select<{ group_id: SqlId }>(
    "select group_id from im_group where owner_id = :userId and dissolved_at is null order by group_id",
    { userId },
  );
  return rows.map((row) => String(row.group_id));
}
