import type { Params } from "../../contracts/index.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { ScheduledRepository } from "./repository.ts";

/** What the use cases of this service work with. */
export interface SchedulerDeps {
  readonly repository: ScheduledRepository;
  readonly ids: { next(): string };
  /** Epoch ms. */
  readonly now: () => number;
  /** @throws what sending it would throw now */
  checkSend(params: Params<"message.send">): Promise<void>;
  /** Whether this account is erased: what is kept of it from here on nobody would take away. */
  isErased(userId: string, tx: Tx): Promise<boolean>;
}
