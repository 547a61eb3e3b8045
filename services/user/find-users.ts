import type { User } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { CONTACT_SEARCHES_PER_DAY } from "../../config/limits.ts";
import { normalEmail, usernameKey } from "../../lib/account-name.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { UserDeps } from "./deps.ts";
import { findActiveByKeyword, findActiveIds, findByAccount, findUser, findUsers, toUser } from "./repository.ts";

const DAY_MS = 86_400_000;
const CONTACT_LIKE = /^\+?[0-9]{5,20}$|@/;

/** @throws USER_NOT_FOUND also for those who are deleted or disabled */
export async function getUser(deps: Pick<UserDeps, "sql">, userId: string): Promise<User> {
  const row = await findUser(deps.sql, userId);
  if (row?.status !== "active") throw imError("USER_NOT_FOUND");
  return toUser(row);
}

/**
 * Active users whose name, phone number or e-mail address is exactly the keyword, but not those who hide from search.
 * @throws QUOTA_EXCEEDED when the caller tried too many phone numbers and addresses
 */
export async function searchUsers(deps: UserDeps, callerId: string, keyword: string): Promise<User[]> {
  if (deps.config.rateLimits && CONTACT_LIKE.test(keyword)) {
    const retryAfterMs = await deps.limits.consume(`quota:contact-search:${callerId}`, CONTACT_SEARCHES_PER_DAY, DAY_MS);
    if (retryAfterMs > 0) throw imError("QUOTA_EXCEEDED", { retryAfterMs });
  }
  const users = (await findActiveByKeyword(deps.sql, keyForms(keyword))).map(toUser);
  if (users.length === 0) return [];
  const settings = await call(deps.calls, "settings.of", { userIds: users.map(({ userId }) => userId) });
  return users.filter(({ userId }) => settings[userId]?.searchable);
}

const keyForms = (keyword: string) => ({ usernameKey: usernameKey(keyword), phone: keyword, email: normalEmail(keyword) });

/** In the order of the ids; unknown ones are missing, deleted ones are there as what is left of them. */
export async function getUsers(deps: Pick<UserDeps, "sql">, userIds: readonly string[]): Promise<User[]> {
  const found = new Map((await findUsers(deps.sql, userIds)).map((row) => [String(row.user_id), toUser(row)]));
  return [...new Set(userIds)].map((userId) => found.get(userId)).filter((user) => user !== undefined);
}

export async function activeAmong(deps: Pick<UserDeps, "sql">, userIds: readonly string[]): Promise<string[]> {
  const rows = await findUsers(deps.sql, userIds);
  return rows.filter(({ status }) => status === "active").map((row) => String(row.user_id));
}

/** Active users behind `after`, ascending. */
export function idsAfter(
  deps: Pick<UserDeps, "sql">,
  { after = "0", userIds, limit, ...registered }: Params<"user.idsAfter">,
): Promise<string[]> {
  return findActiveIds(deps.sql, registered, { after, userIds, limit });
}

/** Also of a disabled user, whom an operator may want to enable. */
export async function idOf(deps: Pick<UserDeps, "sql">, username: string): Promise<string | null> {
  const row = await findByAccount(deps.sql, { kind: "username", value: usernameKey(username) });
  return row && row.status !== "deleted" ? String(row.user_id) : null;
}
