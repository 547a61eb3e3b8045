import type { Role } from "../../../contracts/entities.ts";
import { forUpdate } from "../../../mixins/database/dialect.ts";
import type { Database, SqlValue, Tx } from "../../../mixins/database/port.ts";
import { memberRecord, roleNumber, type MemberRecord, type MemberRow, type SqlId } from "./rows.ts";

const fields = "user_id, role, nickname, muted_until, joined_at";

/** null for outsiders and those who left. */
export async function findMember(sql: Database, groupId: string, userId: string, tx?: Tx): Promise<MemberRecord | null> {
  return selectMember(sql, groupId, userId, "", tx);
}

/** The same, and they stay what they are until `tx` ends. */
export async function holdMember(sql: Database, groupId: string, userId: string, tx: Tx): Promise<MemberRecord | null> {
  return selectMember(sql, groupId, userId, forUpdate(sql), tx);
}

async function selectMember(sql: Database, groupId: string, userId: string, lock: string, tx?: Tx): Promise<MemberRecord | null> {
  const [row] = await sql.select<MemberRow>(
    `select ${fields} from group_member where group_id = :groupId and user_id = :userId and left_at is null${lock}`,
    { groupId, userId },
    tx,
  );
  return row ? memberRecord(row) : null;
}

/** Members by (role, user id), after the given one. */
export async function membersPage(
  sql: Database,
  groupId: string,
  after: { role: number; userId: string } | null,
  limit: number,
): Promise<MemberRecord[]> {
  const rows = await sql.select<MemberRow>(
    `select ${fields} from group_member where group_id = :groupId and left_at is null
      ${after ? "and (role > :role or (role = :role and user_id > :userId))" : ""} order by role, user_id limit :limit`,
    { groupId, limit, role: after?.role ?? null, userId: after?.userId ?? null },
  );
  return rows.map(memberRecord);
}

/** All members, or those of the given who are some. */
export async function membersOf(sql: Database, groupId: string, userIds?: readonly string[], tx?: Tx): Promise<MemberRecord[]> {
  const rows = await sql.select<MemberRow>(
    `select ${fields} from group_member where group_id = :groupId and left_at is null ${userIds ? "and user_id in (:userIds)" : ""} order by role, user_id`,
    { groupId, userIds: userIds ?? null },
    tx,
  );
  return rows.map(memberRecord);
}

/** Members by user id, behind the given one. */
export async function membersAfter(
  sql: Database,
  groupId: string,
  after: string | undefined,
  limit: number,
): Promise<MemberRecord[]> {
  const rows = await sql.select<MemberRow>(
    `select ${fields} from group_member where group_id = :groupId and user_id > :after and left_at is null order by user_id limit :limit`,
    { groupId, after: after ?? "0", limit },
  );
  return rows.map(memberRecord);
}

/** Owner and admins. */
export async function managerIds(sql: Database, groupId: string, tx: Tx): Promise<string[]> {
  const rows = await sql.select<{ user_id: SqlId }>(
    "select user_id from group_member where group_id = :groupId and left_at is null and role < :member order by role, user_id",
    { groupId, member: roleNumber("member") },
    tx,
  );
  return rows.map((row) => String(row.user_id));
}

/** Who takes over from an owner who is gone: the first admin, else the member who is longest in it. */
export async function findSuccessor(sql: Database, groupId: string, ownerId: string, tx: Tx): Promise<MemberRecord | null> {
  const [row] = await sql.select<MemberRow>(
    `select ${fields} from group_member where group_id = :groupId and left_at is null and user_id <> :ownerId order by role, joined_at, user_id limit 1`,
    { groupId, ownerId },
    tx,
  );
  return row ? memberRecord(row) : null;
}

export interface NewMembers {
  readonly groupId: string;
  readonly userIds: readonly string[];
  readonly now: number;
  readonly version: number;
}

/**
 * Makes people members who are none. One who was a member before keeps the mute, not the nickname and the role.
 * False when there is not room for all; then nothing is written.
 */
export async function addMembers(sql: Database, { groupId, userIds, now, version }: NewMembers, tx: Tx): Promise<boolean> {
  const room = await sql.execute(
    "update im_group set member_count = member_count + :count where group_id = :groupId and member_count + :count <= max_members",
    { groupId, count: userIds.length },
    tx,
  );
  if (room === 0) return false;
  await insertMembers(sql, { groupId, userIds, now, version }, "member", tx);
  await sql.execute(
    `update group_member set left_at = null, joined_at = :now, role = :role, nickname = '', version = :version
      where group_id = :groupId and user_id in (:userIds) and left_at is not null`,
    { groupId, userIds, now, version, role: roleNumber("member") },
    tx,
  );
  return true;
}

/** Rows of people who have none yet; the group's count is the caller's. */
export async function insertMembers(
  sql: Database,
  { groupId, userIds, now, version }: NewMembers,
  role: Role,
  tx: Tx,
): Promise<void> {
  if (userIds.length === 0) return;
  const rows = userIds.map((userId) => ({
    group_id: groupId,
    user_id: userId,
    role: roleNumber(role),
    nickname: "",
    muted_until: null,
    joined_at: now,
    left_at: null,
    version,
  }));
  await sql.insertRows("group_member", rows, "keep", tx);
}

/** Ends one membership, and counts it. */
export async function endMembership(
  sql: Database,
  { groupId, userId, now, version }: { groupId: string; userId: string; now: number; version: number },
  tx: Tx,
): Promise<void> {
  await sql.execute(
    "update group_member set left_at = :now, version = :version where group_id = :groupId and user_id = :userId and left_at is null",
    { groupId, userId, now, version },
    tx,
  );
  await sql.execute("update im_group set member_count = member_count - 1 where group_id = :groupId", { groupId }, tx);
}

/** Ends all memberships of a group; the group's count is the caller's. */
export async function endAllMemberships(
  sql: Database,
  { groupId, now, version }: { groupId: string; now: number; version: number },
  tx: Tx,
): Promise<void> {
  await sql.execute(
    "update group_member set left_at = :now, version = :version where group_id = :groupId and left_at is null",
    { groupId, now, version },
    tx,
  );
}

const columns = { role: "role", nickname: "nickname", mutedUntil: "muted_until" } as const;
export type MemberFields = Partial<Pick<MemberRecord, keyof typeof columns>>;

export async function updateMember(
  sql: Database,
  who: { groupId: string; userId: string },
  changed: MemberFields,
  tx: Tx,
): Promise<void> {
  const params: Record<string, SqlValue> = { ...who };
  for (const [name, value] of Object.entries(changed)) params[name] = name === "role" ? roleNumber(value as Role) : value;
  const set = Object.keys(changed)
    .map((name) => `${columns[name as keyof MemberFields]} = :${name}`)
    .join(", ");
  await sql.execute(`update group_member set ${set} where group_id = :groupId and user_id = :userId`, params, tx);
}

/** Of the given users those whose membership began (`joined`) or ended (`left`) with this very change, and has not changed since. */
export async function unchangedSince(
  sql: Database,
  groupId: string,
  userIds: readonly string[],
  version: number,
): Promise<{ joined: string[]; left: string[] }> {
  const rows = await sql.select<{ user_id: SqlId; left_at: number | null }>(
    "select user_id, left_at from group_member where group_id = :groupId and user_id in (:userIds) and version = :version",
    { groupId, userIds, version },
  );
  const idsOf = (some: typeof rows): string[] => some.map((row) => String(row.user_id));
  return { joined: idsOf(rows.filter((row) => row.left_at === null)), left: idsOf(rows.filter((row) => row.left_at !== null)) };
}

export interface Membership {
  readonly groupId: string;
  readonly name: string;
  readonly role: number;
  readonly nickname: string;
  readonly joinedAt: number;
  readonly leftAt: number | null;
}

/** All memberships of a user, past ones as well. */
export async function membershipsOf(sql: Database, userId: string): Promise<Membership[]> {
  const rows = await sql.select<{
    group_id: SqlId;
    name: string;
    role: number;
    nickname: string;
    joined_at: number;
    left_at: number | null;
  }>(
    `select m.group_id, g.name, m.role, m.nickname, m.joined_at, m.left_at from group_member m join im_group g on g.group_id = m.group_id
      where m.user_id = :userId order by m.group_id`,
    { userId },
  );
  return rows.map((row) => ({
    groupId: String(row.group_id),
    name: row.name,
    role: row.role,
    nickname: row.nickname,
    joinedAt: row.joined_at,
    leftAt: row.left_at,
  }));
}
