import type { Message } from "../../../contracts/entities.ts";

/** Whether one copy of a message is older than another: pushes of two gateways may come in another order than they happened. */
export const isOlder = (one: Message, other: Message): boolean =>
  (other.recalledAt !== undefined && one.recalledAt === undefined) || (other.editedAt ?? 0) > (one.editedAt ?? 0);
