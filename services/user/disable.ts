import type { Params } from "../../contracts/index.ts";
import { imError } from "../../lib/errors.ts";
import type { UserDeps } from "./deps.ts";
import { endSessionsNow } from "./end-sessions.ts";
import { findUser, setStatus } from "./repository.ts";

/** Disabling ends all sessions. Repeating it changes nothing more. @throws USER_NOT_FOUND also for a deleted user */
export async function setDisabled(deps: UserDeps, { userId, disabled }: Params<"user.setDisabled">): Promise<void> {
  await deps.sql.transaction(async (tx) => {
    const row = await findUser(deps.sql, userId, tx);
    if (!row || row.status === "deleted") throw imError("USER_NOT_FOUND");
    const isChanged = await setStatus(deps.sql, userId, disabled ? "disabled" : "active", deps.now(), tx);
    if (isChanged && disabled)
      await deps.outbox.add(tx, { subject: "im.user.disabled", key: userId, payload: { userId }, requestId: deps.requestId });
  });
  if (disabled) await endSessionsNow(deps, { userId, reason: "disabled" });
}
