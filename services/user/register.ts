import type { Params, Result } from "../../contracts/index.ts";
import { normalEmail, usernameKey } from "../../lib/account-name.ts";
import { imError } from "../../lib/errors.ts";
import { checkWellFormed, hashPassword } from "../../lib/password.ts";
import { checkStrength } from "../../lib/password-strength.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { UserDeps } from "./deps.ts";
import { insertUser, toOwnUser, type UserRow } from "./repository.ts";

/** @throws VALIDATION, WEAK_PASSWORD, USERNAME_TAKEN, CONTACT_TAKEN */
export async function register(deps: UserDeps, input: Params<"user.register">): Promise<Result<"user.register">> {
  const { username, password, nickname = username, phone = null } = input;
  if (input.code !== undefined) throw invalidField("code", "one-time codes are not available yet; leave it out");
  checkWellFormed(password, "password");
  const email = input.email === undefined ? null : normalEmail(input.email);
  await checkStrength(password, [username, nickname, phone, email]);

  const now = deps.now();
  const row = {
    user_id: deps.ids.next(),
    username,
    username_key: usernameKey(username),
    password_hash: await hashPassword(password, deps.config.bcryptRounds),
    nickname,
    avatar: "",
    signature: "",
    gender: "unknown",
    region: "",
    phone,
    email,
    status: "active",
    created_at: now,
    updated_at: now,
  } satisfies UserRow;
  await naming(deps.sql, () =>
    deps.sql.transaction(async (tx) => {
      await insertUser(deps.sql, row, tx);
      await deps.outbox.add(tx, {
        subject: "im.user.created",
        key: row.user_id,
        payload: { userId: row.user_id },
        requestId: deps.requestId,
      });
    }),
  );
  return { user: toOwnUser(row) };
}

/** Runs a change and says which name was taken. */
export async function naming<T>(sql: Database, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    const taken = sql.uniqueViolation(error);
    if (taken?.includes("username_key")) throw imError("USERNAME_TAKEN");
    if (taken?.includes("phone") || taken?.includes("email")) throw imError("CONTACT_TAKEN", { fields: taken });
    throw error;
  }
}
