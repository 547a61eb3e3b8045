import type { ServiceBroker } from "moleculer";
import type { Database } from "../../mixins/database/port.ts";
import type { Ids } from "../../mixins/ids/index.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";
import type { Calls } from "../../lib/service.ts";
import type { AnnouncementQueue } from "./announcement-queue.ts";
import type { Quota } from "./quota.ts";

/** What announcing a change needs. */
export interface AnnounceDeps {
  readonly sql: Database;
  readonly calls: Calls;
  readonly queue: AnnouncementQueue;
}

/** What the use cases of groups need. */
export interface GroupDeps extends AnnounceDeps {
  readonly ids: Ids;
  readonly outbox: Pick<Outbox, "add">;
  readonly logger: Pick<ServiceBroker["logger"], "warn">;
  readonly quota: Quota;
  readonly requestId: string | null;
  now(): number;
}
