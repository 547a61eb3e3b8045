import { randomUUID } from "node:crypto";
import type { DomainEventName, DomainEvents } from "../../contracts/events.ts";
import type { Database, Tx } from "../database/port.ts";
import type { OutboxLag, OutboxRows } from "./outbox-rows.ts";
import type { OutboxRelay } from "./relay.ts";

export interface NewEvent<N extends DomainEventName> {
  readonly subject: N;
  /**
   * Events of one key reach each consumer in the order in which their transactions committed, where each transaction first
   * changes what the other one changes too and then adds its event.
   */
  readonly key: string;
  readonly payload: DomainEvents[N];
  readonly requestId?: string | null;
}

export interface OutboxOptions {
  readonly sql: Pick<Database, "afterCommit">;
  readonly rows: OutboxRows;
  readonly relay: Pick<OutboxRelay, "kick" | "idle">;
  readonly now?: () => number;
}

/** Where a service writes what others must hear of, in the transaction that makes the change. */
export class Outbox {
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The event exists exactly if `tx` commits, and is relayed as soon as it has. Returns its id. */
  async add<N extends DomainEventName>(tx: Tx, { subject, key, payload, requestId = null }: NewEvent<N>): Promise<string> {
    const { sql, rows, relay, now = Date.now } = this.#options;
    const eventId = randomUUID();
    await rows.insert({ eventId, subject, key, payload, at: now(), requestId }, tx);
    sql.afterCommit(tx, () => relay.kick());
    return eventId;
  }

  /** What waits to be relayed. */
  lag(): Promise<OutboxLag> {
    return this.#options.rows.lag();
  }

  /** See `OutboxRelay.idle`. */
  idle(): Promise<void> {
    return this.#options.relay.idle();
  }
}
