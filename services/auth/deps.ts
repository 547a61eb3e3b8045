import type { Config } from "../../config/config.ts";
import type { BusEvents } from "../../contracts/events.ts";
import type { GuessGuard } from "../../lib/guess-guard.ts";
import type { TokenKeys } from "../../lib/token-keys.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { HotSessions } from "../../mixins/hot-store/port.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";

/** What the use cases of sign-in and sessions need. */
export interface AuthDeps {
  readonly sql: Database;
  readonly outbox: Pick<Outbox, "add">;
  readonly ids: { next(): string };
  readonly sessions: HotSessions;
  readonly guard: GuessGuard;
  readonly keys: TokenKeys;
  readonly config: Pick<Config, "accessTokenTtlS" | "refreshTokenTtlS" | "kickPolicy">;
  readonly now: () => number;
  /** Tells every gateway. May be lost. */
  readonly tellEnded: (event: BusEvents["session.ended"]) => Promise<void>;
  readonly warn: (message: string) => void;
}
