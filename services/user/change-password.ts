import type { Caller } from "../../contracts/meta.ts";
import type { Params } from "../../contracts/index.ts";
import { imError } from "../../lib/errors.ts";
import { checkWellFormed, hashPassword, verifyPassword } from "../../lib/password.ts";
import { checkStrength } from "../../lib/password-strength.ts";
import type { UserDeps } from "./deps.ts";
import { endSessionsNow } from "./end-sessions.ts";
import { ownAccount } from "./profile.ts";
import { replacePassword, type UserRow } from "./repository.ts";

/**
 * Replaces the password and ends every session but the caller's.
 * @throws WRONG_OLD_PASSWORD, also when another change came first; RATE_LIMITED, WEAK_PASSWORD, VALIDATION
 */
export async function changePassword(
  deps: UserDeps,
  { userId, sessionId }: Caller,
  input: Params<"user.changePassword">,
): Promise<void> {
  checkWellFormed(input.oldPassword, "oldPassword");
  checkWellFormed(input.newPassword, "newPassword");
  const row = await ownAccount(deps, userId);
  await checkOldPassword(deps, row, input.oldPassword);
  await checkStrength(input.newPassword, [row.username, row.nickname, row.phone, row.email]);

  const hashes = { old: row.password_hash, new: await hashPassword(input.newPassword, deps.config.bcryptRounds) };
  await deps.sql.transaction(async (tx) => {
    if (!(await replacePassword(deps.sql, userId, hashes, deps.now(), tx))) throw imError("WRONG_OLD_PASSWORD");
    const payload = { userId, exceptSessionId: sessionId };
    await deps.outbox.add(tx, { subject: "im.user.password.changed", key: userId, payload, requestId: deps.requestId });
  });
  await endSessionsNow(deps, { userId, reason: "password_changed", exceptSessionId: sessionId });
}

async function checkOldPassword(deps: UserDeps, row: UserRow, password: string): Promise<void> {
  const isRight = await deps.guard({ account: `id:${row.user_id}`, address: null }, async () =>
    (await verifyPassword(password, row.password_hash, deps.config.bcryptRounds)) ? true : null,
  );
  if (isRight === null) throw imError("WRONG_OLD_PASSWORD");
}
