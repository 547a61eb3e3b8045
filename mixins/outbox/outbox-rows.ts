import type { Database, Tx } from "../database/port.ts";
import type { DomainEvent } from "../event-stream/port.ts";

/** An event that waits in the outbox. */
export interface OutboxRow {
  readonly position: number;
  readonly event: DomainEvent;
}

/** What is not relayed yet. */
export interface OutboxLag {
  readonly count: number;
  /** When the oldest was added; null when there is none. */
  readonly oldestAt: number | null;
}

interface EventRow {
  position: number;
  event_id: string;
  subject: string;
  event_key: string;
  payload: string;
  at: number;
  request_id: string | null;
}

/** Statements stay below the databases' bounds on placeholders. */
const MAX_MARKED = 500;

/** SQL of the outbox. */
export class OutboxRows {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  async insert({ eventId, subject, key, payload, at, requestId }: DomainEvent, tx: Tx): Promise<void> {
    const row = {
      event_id: eventId,
      subject,
      event_key: key,
      payload: JSON.stringify(payload),
      at,
      request_id: requestId,
      relayed_at: null,
    };
    await this.#sql.insertRows("outbox", [row], "fail", tx);
  }

  /** Rows to relay in the order of their positions, without those of the given keys. */
  async unrelayed(withoutKeys: readonly string[], limit: number): Promise<OutboxRow[]> {
    const others = withoutKeys.length > 0 ? "AND event_key NOT IN (:withoutKeys)" : "";
    const rows = await this.#sql.select<EventRow>(
      `SELECT position, event_id, subject, event_key, payload, at, request_id FROM outbox
        WHERE relayed_at IS NULL ${others} ORDER BY position LIMIT :limit`,
      withoutKeys.length > 0 ? { withoutKeys, limit } : { limit },
    );
    return rows.map((row) => ({ position: row.position, event: eventOf(row) }));
  }

  async markRelayed(positions: readonly number[], at: number): Promise<void> {
    for (let from = 0; from < positions.length; from += MAX_MARKED) {
      const page = positions.slice(from, from + MAX_MARKED);
      await this.#sql.execute("UPDATE outbox SET relayed_at = :at WHERE position IN (:page)", { at, page });
    }
  }

  async lag(): Promise<OutboxLag> {
    const [row] = await this.#sql.select<{ count: number; oldest: number | null }>(
      "SELECT COUNT(*) AS count, MIN(at) AS oldest FROM outbox WHERE relayed_at IS NULL",
    );
    return { count: row?.count ?? 0, oldestAt: row?.oldest ?? null };
  }

  /**
   * Deletes what was relayed before `before`, and what consumers noted as done before then, unless the event may come again.
   * Returns how many events went.
   */
  async prune(before: number): Promise<number> {
    const relayed = "SELECT position FROM outbox WHERE relayed_at < :before LIMIT :limit";
    const count = await this.#deleteInPages<{ position: number }>(relayed, before, (rows) =>
      this.#sql.execute("DELETE FROM outbox WHERE position IN (:page)", { page: rows.map(({ position }) => position) }),
    );
    const consumed = `SELECT consumer, event_id FROM consumed_event WHERE at < :before
      AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.event_id = consumed_event.event_id) LIMIT :limit`;
    await this.#deleteInPages<{ consumer: string; event_id: string }>(consumed, before, (rows) =>
      this.#sql.execute("DELETE FROM consumed_event WHERE (consumer, event_id) IN (:page)", {
        page: rows.map(({ consumer, event_id }) => [consumer, event_id]),
      }),
    );
    return count;
  }

  /** No statement holds many rows for long. */
  async #deleteInPages<R extends object>(
    select: string,
    before: number,
    remove: (rows: readonly R[]) => Promise<number>,
  ): Promise<number> {
    for (let count = 0; ;) {
      const rows = await this.#sql.select<R>(select, { before, limit: MAX_MARKED });
      if (rows.length === 0) return count;
      count += await remove(rows);
    }
  }
}

function eventOf(row: EventRow): DomainEvent {
  return {
    eventId: row.event_id,
    subject: row.subject,
    key: row.event_key,
    payload: JSON.parse(row.payload) as unknown,
    at: row.at,
    requestId: row.request_id,
  };
}
