import { authorsOf, withoutWords } from "../../lib/erased-words.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Database, Row, Tx } from "../database/port.ts";
import { erasedAuthors } from "./erased-senders.ts";
import type { DeadLetter, DeadLetterPlace } from "./port.ts";

const MAX_REASON_LENGTH = 500;
/** Letters looked at in one turn. */
const FORGET_PAGE = 100;

/** Where dead letters stay across restarts. */
export interface DeadLetterStore {
  add(letters: readonly DeadLetter[]): Promise<void>;
  /** As `MessageLog.deadLetters`. */
  list(limit: number, after?: DeadLetterPlace): Promise<DeadLetter[]>;
  remove(messageIds: readonly string[]): Promise<void>;
  /** As `MessageLog.forgetDeadLetters`. */
  forget(userId: string): Promise<void>;
}

/** Dead letters in the table `dead_letter`. */
export function sqlDeadLetters(sql: Database): DeadLetterStore {
  return {
    async add(letters) {
      if (letters.length === 0) return;
      const records = letters.map(({ record }) => record);
      const store = async (tx: Tx): Promise<void> => {
        const erased = await erasedAuthors(sql, records, tx);
        const rows = letters.filter(({ record }) => !erased.has(record.senderId)).map((letter) => rowOf(letter, erased));
        await sql.insertRows("dead_letter", rows, "keep", tx);
      };
      await sql.transaction(store, { serializable: true });
    },
    async list(limit, after) {
      const behind = after ? "where at >= :at and (at > :at or message_id > :messageId)" : "";
      const rows = await sql.select<{ record: string; reason: string; at: number }>(
        `select record, reason, at from dead_letter ${behind} order by at, message_id limit :limit`,
        { ...after, limit },
      );
      return rows.map(({ record, reason, at }) => ({ record: JSON.parse(record) as MessageRecord, reason, at: Number(at) }));
    },
    async remove(messageIds) {
      await sql.execute("delete from dead_letter where message_id in (:messageIds)", { messageIds });
    },
    async forget(userId) {
      for (let after = "0"; ;) {
        const rows = await sql.select<{ message_id: string | number; record: string }>(
          "select message_id, record from dead_letter where message_id > :after order by message_id limit :limit",
          { after, limit: FORGET_PAGE },
        );
        for (const { message_id, record } of rows) await forgetIn(sql, String(message_id), record, userId);
        if (rows.length < FORGET_PAGE) return;
        after = String(rows.at(-1)!.message_id);
      }
    },
  };
}

function rowOf({ record, reason, at }: DeadLetter, erased: ReadonlySet<string>): Row {
  return {
    message_id: record.messageId,
    record: JSON.stringify(withoutWords(record, erased)),
    reason: reason.slice(0, MAX_REASON_LENGTH),
    at,
  };
}

async function forgetIn(sql: Database, messageId: string, stored: string, userId: string): Promise<void> {
  if (!stored.includes(`"${userId}"`)) return;
  const record = JSON.parse(stored) as MessageRecord;
  if (record.senderId === userId) await sql.execute("delete from dead_letter where message_id = :messageId", { messageId });
  else if (authorsOf(record).includes(userId)) {
    await sql.execute("update dead_letter set record = :record where message_id = :messageId", {
      messageId,
      record: JSON.stringify(withoutWords(record, new Set([userId]))),
    });
  }
}
