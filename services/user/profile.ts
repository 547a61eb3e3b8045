import type { OwnUser } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { normalEmail } from "../../lib/account-name.ts";
import { imError } from "../../lib/errors.ts";
import type { UserDeps } from "./deps.ts";
import { naming } from "./register.ts";
import { findUser, toOwnUser, updateProfile, type ProfileColumns, type UserRow } from "./repository.ts";

/** @throws SESSION_ENDED when the account was deleted or disabled, whose sessions end as well */
export async function ownAccount(deps: Pick<UserDeps, "sql">, userId: string): Promise<UserRow> {
  const row = await findUser(deps.sql, userId);
  if (row?.status !== "active") throw imError("SESSION_ENDED");
  return row;
}

/** Changes the given fields and no others. */
export async function changeProfile(deps: UserDeps, userId: string, input: Params<"user.updateProfile">): Promise<OwnUser> {
  const columns: ProfileColumns = { ...input };
  if (typeof columns.email === "string") columns.email = normalEmail(columns.email);
  if (Object.keys(columns).length > 0) {
    await naming(deps.sql, () =>
      deps.sql.transaction(async (tx) => {
        if (!(await updateProfile(deps.sql, userId, columns, deps.now(), tx))) throw imError("SESSION_ENDED");
        await deps.outbox.add(tx, { subject: "im.user.updated", key: userId, payload: { userId }, requestId: deps.requestId });
      }),
    );
  }
  return toOwnUser(await ownAccount(deps, userId));
}
