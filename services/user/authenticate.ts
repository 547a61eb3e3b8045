import type { Params, Result } from "../../contracts/index.ts";
import { accountName, type AccountName } from "../../lib/account-name.ts";
import { checkWellFormed, credentialOf, hashPassword, isHashedBelow, verifyPassword } from "../../lib/password.ts";
import type { UserDeps } from "./deps.ts";
import { findByAccount, findUser, replacePassword, toOwnUser, type UserRow } from "./repository.ts";

/**
 * The user of an account and password, else null. One hash is compared whether the account exists or not, so the time tells
 * nothing; a hash of a lower cost than the configured one is renewed.
 * @throws VALIDATION unless exactly one account is given; UNAVAILABLE
 */
export async function authenticate(
  deps: UserDeps,
  { password, ...account }: Params<"user.authenticate">,
): Promise<Result<"user.authenticate">> {
  const name = accountName(account);
  checkWellFormed(password, "password");
  const row = await findActive(deps, name);
  if (!(await verifyPassword(password, row?.password_hash ?? null, deps.config.bcryptRounds)) || !row) return null;

  const hash = await renewHash(deps, row, password);
  // Another sign-in renewed it, or the password was changed: look again.
  return hash === null ? authenticate(deps, { password, ...account }) : { user: toOwnUser(row), credential: credentialOf(hash) };
}

/** Whether a user who signed in with this credential could still do so. */
export async function credentialHolds(
  deps: Pick<UserDeps, "sql">,
  { userId, credential }: Params<"user.credentialHolds">,
): Promise<boolean> {
  const row = await findUser(deps.sql, userId);
  return row?.status === "active" && credentialOf(row.password_hash) === credential;
}

async function findActive(deps: UserDeps, name: AccountName): Promise<UserRow | null> {
  const row = await findByAccount(deps.sql, name);
  return row?.status === "active" ? row : null;
}

/** The hash that now stands in the row; null when it is no longer the one that was compared. */
async function renewHash(deps: UserDeps, row: UserRow, password: string): Promise<string | null> {
  const { bcryptRounds } = deps.config;
  if (!isHashedBelow(row.password_hash, bcryptRounds)) return row.password_hash;
  const hash = await hashPassword(password, bcryptRounds);
  const isRenewed = await replacePassword(deps.sql, String(row.user_id), { old: row.password_hash, new: hash }, deps.now());
  return isRenewed ? hash : null;
}
