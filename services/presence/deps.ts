import type { Calls } from "../../lib/service.ts";
import type { HotPresence } from "../../mixins/hot-store/port.ts";

/** What the use cases of this service work with. */
export interface PresenceDeps {
  readonly presence: HotPresence;
  readonly calls: Calls;
  /** Whether this node was in the cluster and has left it, as far as this one knows. */
  readonly hasGone: (nodeId: string) => boolean;
  readonly now: () => number;
}
