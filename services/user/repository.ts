import type { OwnUser, User } from "../../contracts/entities.ts";
import type { AccountName } from "../../lib/account-name.ts";
import { DELETED_NAME } from "../../lib/erased-words.ts";
import type { Database, SqlParams, Tx } from "../../mixins/database/port.ts";

export interface UserRow {
  user_id: string | number;
  username: string;
  username_key: string;
  password_hash: string;
  nickname: string;
  avatar: string;
  signature: string;
  gender: User["gender"];
  region: string;
  phone: string | null;
  email: string | null;
  status: "active" | "disabled" | "deleted";
  created_at: string | number;
  updated_at: string | number;
}

/** What a person may change of themselves; keys are columns. */
export type ProfileColumns = Partial<
  Pick<UserRow, "nickname" | "avatar" | "signature" | "gender" | "region" | "phone" | "email">
>;

/** What is left of a deleted user beside the user name, which stays taken. */
const ERASED: SqlParams = {
  nickname: DELETED_NAME,
  avatar: "",
  signature: "",
  gender: "unknown",
  region: "",
  phone: null,
  email: null,
  password_hash: "",
};

const accountColumns = { username: "username_key", phone: "phone", email: "email" } as const satisfies Record<
  AccountName["kind"],
  keyof UserRow
>;

export async function insertUser(sql: Database, row: Omit<UserRow, "user_id"> & { user_id: string }, tx: Tx): Promise<void> {
  await sql.insertRows("user", [{ ...row }], "fail", tx);
}

export async function findUser(sql: Database, userId: string, tx?: Tx): Promise<UserRow | null> {
  const [row] = await sql.select<UserRow>("select * from user where user_id = :userId", { userId }, tx);
  return row ?? null;
}

/** Deleted users have no phone and no e-mail, and keep their user name. */
export async function findByAccount(sql: Database, { kind, value }: AccountName): Promise<UserRow | null> {
  const [row] = await sql.select<UserRow>(`select * from user where ${accountColumns[kind]} = :value`, { value });
  return row ?? null;
}

export function findUsers(sql: Database, userIds: readonly string[]): Promise<UserRow[]> {
  return sql.select<UserRow>("select * from user where user_id in (:userIds)", { userIds });
}

export function findActiveByKeyword(
  sql: Database,
  keyword: { usernameKey: string; phone: string; email: string },
): Promise<UserRow[]> {
  const having = (column: string): string => `select * from user where ${column} and status = 'active'`;
  const columns = ["username_key = :usernameKey", "phone = :phone", "email = :email"];
  return sql.select<UserRow>(`${columns.map(having).join(" union ")} order by user_id`, keyword);
}

/** When users registered; bounds exclude themselves. */
export interface Registered {
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
}

const activeWithin = ({ createdAfter = -1, createdBefore = Number.MAX_SAFE_INTEGER }: Registered) => ({
  where: "status = 'active' and created_at > :createdAfter and created_at < :createdBefore",
  params: { createdAfter, createdBefore },
});

/** In ascending order. */
export async function findActiveIds(
  sql: Database,
  registered: Registered,
  { after, userIds, limit }: { after: string; userIds?: readonly string[] | undefined; limit: number },
): Promise<string[]> {
  const { where, params } = activeWithin(registered);
  const rows = await sql.select<Pick<UserRow, "user_id">>(
    `select user_id from user where user_id > :after ${userIds ? "and user_id in (:userIds)" : ""} and ${where} order by user_id limit :limit`,
    { ...params, after, limit, userIds: userIds ?? null },
  );
  return rows.map((row) => String(row.user_id));
}

export async function countActive(sql: Database, registered: Registered): Promise<number> {
  const { where, params } = activeWithin(registered);
  const [row] = await sql.select<{ count: number }>(`select count(*) as count from user where ${where}`, params);
  return row?.count ?? 0;
}

/** Changes an active user; false when there is none. */
export async function updateProfile(
  sql: Database,
  userId: string,
  columns: ProfileColumns,
  now: number,
  tx: Tx,
): Promise<boolean> {
  return (await setColumns(sql, columns, "user_id = :userId and status = 'active'", { userId, now }, tx)) > 0;
}

/** False when the hash is no longer the old one or the user is not active. */
export async function replacePassword(
  sql: Database,
  userId: string,
  hashes: { old: string; new: string },
  now: number,
  tx?: Tx,
): Promise<boolean> {
  const changed = await sql.execute(
    "update user set password_hash = :new, updated_at = :now where user_id = :userId and password_hash = :old and status = 'active'",
    { ...hashes, userId, now },
    tx,
  );
  return changed > 0;
}

/** False when the user was not active. */
export async function eraseUser(sql: Database, userId: string, now: number, tx: Tx): Promise<boolean> {
  return (
    (await setColumns(sql, { ...ERASED, status: "deleted" }, "user_id = :userId and status = 'active'", { userId, now }, tx)) > 0
  );
}

/** False when the user had that status already or is deleted. */
export async function setStatus(
  sql: Database,
  userId: string,
  status: "active" | "disabled",
  now: number,
  tx: Tx,
): Promise<boolean> {
  const changed = await sql.execute(
    "update user set status = :status, updated_at = :now where user_id = :userId and status not in (:status, 'deleted')",
    { status, userId, now },
    tx,
  );
  return changed > 0;
}

export function toUser(row: UserRow): User {
  const { username, nickname, avatar, signature, gender, region } = row;
  return { userId: String(row.user_id), username, nickname, avatar, signature, gender, region };
}

export function toOwnUser(row: UserRow): OwnUser {
  return { ...toUser(row), phone: row.phone, email: row.email, createdAt: Number(row.created_at) };
}

/** Column names come from this file, never from a caller. */
function setColumns(sql: Database, columns: SqlParams, where: string, params: SqlParams, tx: Tx): Promise<number> {
  const assignments = Object.keys(columns).map((column) => `${column} = :${column}`);
  return sql.execute(
    `update user set ${[...assignments, "updated_at = :now"].join(", ")} where ${where}`,
    { ...columns, ...params },
    tx,
  );
}
