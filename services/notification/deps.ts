import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import type { Ids } from "../../mixins/ids/index.ts";

/** What the use cases of this service work with. */
export interface NotificationDeps {
  readonly sql: Database;
  readonly ids: Ids;
  readonly calls: Calls;
  readonly now: () => number;
}
