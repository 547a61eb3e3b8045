import type { Params } from "../../contracts/index.ts";
import { call } from "../../lib/service.ts";
import type { UserDeps } from "./deps.ts";

/**
 * Ends sessions now. A failure is not the caller's: the event of the change, written in its transaction, ends them as soon as
 * auth hears of it.
 */
export async function endSessionsNow(deps: Pick<UserDeps, "calls" | "warn">, params: Params<"auth.endSessions">): Promise<void> {
  try {
    await call(deps.calls, "auth.endSessions", params);
  } catch (error) {
    deps.warn(
      `Sessions of user ${params.userId} end by the event only: ${error instanceof Error ? error.name : "unknown error"}`,
    );
  }
}
