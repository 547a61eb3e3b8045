import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import type { HotLimits } from "../../mixins/hot-store/port.ts";
import type { Ids } from "../../mixins/ids/index.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";

/** What the use cases of this service work with. */
export interface FriendDeps {
  readonly sql: Database;
  readonly ids: Ids;
  readonly outbox: Pick<Outbox, "add">;
  readonly calls: Calls;
  readonly now: () => number;
  readonly requestId: string | null;
}

export interface RequestDeps extends FriendDeps {
  /** null: requests are not counted. */
  readonly limits: Pick<HotLimits, "consume"> | null;
}
