import type { MessageRecord } from "../../contracts/records.ts";
import type { Database } from "../database/port.ts";
import type { DeadLetterStore } from "./in-process.ts";

const MAX_REASON_LENGTH = 500;

/** Dead letters in the table `dead_letter`. */
export function sqlDeadLetters(sql: Database): DeadLetterStore {
  return {
    async add(letters) {
      const rows = letters.map(({ record, reason, at }) => ({
        message_id: record.messageId,
        record: JSON.stringify(record),
        reason: reason.slice(0, MAX_REASON_LENGTH),
        at,
      }));
      if (rows.length > 0) await sql.insertRows("dead_letter", rows, "keep");
    },
    async list(limit) {
      const rows = await sql.select<{ record: string; reason: string; at: number }>(
        "select record, reason, at from dead_letter order by at, message_id limit :limit",
        { limit },
      );
      return rows.map(({ record, reason, at }) => ({ record: JSON.parse(record) as MessageRecord, reason, at: Number(at) }));
    },
    async remove(messageIds) {
      await sql.execute("delete from dead_letter where message_id in (:messageIds)", { messageIds });
    },
  };
}
