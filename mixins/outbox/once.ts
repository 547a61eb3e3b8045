import type { Database, TransactionOptions, Tx } from "../database/port.ts";
import type { DomainEvent } from "../event-stream/port.ts";

/**
 * Does what a consumer does in SQL on an event exactly once, however often the event comes: that it was done is noted in the
 * same transaction. Returns false when it had been done before and `work` did not run. Like any transaction, `work` may run
 * again after a transient error.
 */
export async function onceInTransaction(
  sql: Database,
  consumer: string,
  event: Pick<DomainEvent, "eventId">,
  work: (tx: Tx) => Promise<void>,
  options?: TransactionOptions,
): Promise<boolean> {
  return sql.transaction(async (tx) => {
    const isFirst = await sql.insertRows("consumed_event", [{ consumer, event_id: event.eventId, at: Date.now() }], "keep", tx);
    if (isFirst > 0) await work(tx);
    return isFirst > 0;
  }, options);
}
