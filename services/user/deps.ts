import type { Config } from "../../config/config.ts";
import type { GuessGuard } from "../../lib/guess-guard.ts";
import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { HotLimits } from "../../mixins/hot-store/port.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";

/** What the use cases of users need. */
export interface UserDeps {
  readonly sql: Database;
  readonly outbox: Pick<Outbox, "add">;
  readonly ids: { next(): string };
  readonly limits: Pick<HotLimits, "consume">;
  readonly guard: GuessGuard;
  readonly calls: Calls;
  readonly config: Pick<Config, "bcryptRounds" | "rateLimits">;
  readonly now: () => number;
  readonly requestId: string | null;
  readonly warn: (message: string) => void;
}
