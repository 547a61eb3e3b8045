import type { Database } from "../database/port.ts";
import type { DeadEvent } from "./port.ts";

/** Keeps dead letters of the event stream across restarts. */
export interface DeadEventStore {
  /** Keeps the letter in place of an earlier one of the same consumer and event. */
  put(dead: DeadEvent): Promise<void>;
  /** Oldest first. */
  list(limit: number): Promise<DeadEvent[]>;
  remove(consumer: string, eventId: string): Promise<void>;
}

interface DeadEventRow {
  consumer: string;
  event_id: string;
  subject: string;
  event_key: string;
  payload: string;
  at: number;
  request_id: string | null;
  reason: string;
  dead_at: number;
}

export function sqlDeadEvents(sql: Database): DeadEventStore {
  const remove = "DELETE FROM dead_event WHERE consumer = :consumer AND event_id = :eventId";
  return {
    async put(dead) {
      await sql.transaction(async (tx) => {
        await sql.execute(remove, { consumer: dead.consumer, eventId: dead.event.eventId }, tx);
        await sql.insertRows("dead_event", [{ ...rowOf(dead) }], "keep", tx); // one that was put at the same time is as good
      });
    },
    async list(limit) {
      const rows = await sql.select<DeadEventRow>("SELECT * FROM dead_event ORDER BY position LIMIT :limit", { limit });
      return rows.map(deadEventOf);
    },
    async remove(consumer, eventId) {
      await sql.execute(remove, { consumer, eventId });
    },
  };
}

function rowOf({ consumer, event, reason, at }: DeadEvent): DeadEventRow {
  const { eventId, subject, key, payload, requestId } = event;
  return {
    consumer,
    event_id: eventId,
    subject,
    event_key: key,
    payload: JSON.stringify(payload),
    at: event.at,
    request_id: requestId,
    // A reason may quote what the event carried, and SQL cannot hold a lone surrogate.
    reason: reason.toWellFormed(),
    dead_at: at,
  };
}

function deadEventOf(row: DeadEventRow): DeadEvent {
  const event = {
    eventId: row.event_id,
    subject: row.subject,
    key: row.event_key,
    payload: JSON.parse(row.payload) as unknown,
    at: row.at,
    requestId: row.request_id,
  };
  return { consumer: row.consumer, event, reason: row.reason, at: row.dead_at };
}
