import type { Content } from "../../contracts/entities.ts";
import { takeTurn } from "../../mixins/database/dialect.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import { columns, scheduledOf, withoutWords, type Scheduled, type ScheduledRow } from "./rows.ts";

type NewScheduled = Pick<
  Scheduled,
  | "scheduledId"
  | "userId"
  | "conversationId"
  | "clientMsgId"
  | "requestHash"
  | "type"
  | "content"
  | "replyTo"
  | "mentions"
  | "sendAt"
  | "createdAt"
>;
export interface Position {
  readonly sendAt: number;
  readonly scheduledId: string;
}

/** All SQL of what users see of their scheduled messages; `DueRepository` has what sends them. */
export class ScheduledRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  async find(userId: string, scheduledId: string): Promise<Scheduled | null> {
    return this.#one("scheduled_id = :scheduledId and user_id = :userId", { userId, scheduledId });
  }

  async byKey({
    userId,
    conversationId,
    clientMsgId,
  }: Pick<Scheduled, "userId" | "conversationId" | "clientMsgId">): Promise<Scheduled | null> {
    return this.#one("conversation_id = :conversationId and user_id = :userId and client_msg_id = :clientMsgId", {
      userId,
      conversationId,
      clientMsgId,
    });
  }

  async #one(where: string, params: Row): Promise<Scheduled | null> {
    const [row] = await this.#sql.select<ScheduledRow>(`select ${columns} from scheduled_message where ${where}`, params);
    return row ? scheduledOf(row) : null;
  }

  /** Those that wait, are on their way or were refused, ascending by time. */
  async page(userId: string, { after, limit }: { after: Position | null; limit: number }): Promise<Scheduled[]> {
    const behind = after ? "and (send_at > :sendAt or (send_at = :sendAt and scheduled_id > :scheduledId))" : "";
    const rows = await this.#sql.select<ScheduledRow>(
      `select ${columns} from scheduled_message where user_id = :userId and state in ('waiting', 'sending', 'failed') ${behind}
       order by send_at, scheduled_id limit :limit`,
      { userId, limit, ...after },
    );
    return rows.map(scheduledOf);
  }

  /** The transactions of one user that count and add follow each other. */
  async takeTurn(userId: string, tx: Tx): Promise<void> {
    await takeTurn(this.#sql, tx, `scheduled ${userId}`);
  }

  async countOpen(userId: string, tx: Tx): Promise<number> {
    const [row] = await this.#sql.select<{ count: number }>(
      "select count(*) as count from scheduled_message where user_id = :userId and state in ('waiting', 'sending')",
      { userId },
      tx,
    );
    return Number(row?.count ?? 0);
  }

  /** @returns false when one of the same key is there */
  async add({ content, mentions, ...scheduled }: NewScheduled, tx: Tx): Promise<boolean> {
    const row: Row = {
      scheduled_id: scheduled.scheduledId,
      user_id: scheduled.userId,
      conversation_id: scheduled.conversationId,
      client_msg_id: scheduled.clientMsgId,
      request_hash: scheduled.requestHash,
      type: scheduled.type,
      content: JSON.stringify(content),
      reply_to: scheduled.replyTo,
      mentions: mentions && JSON.stringify(mentions),
      send_at: scheduled.sendAt,
      state: "waiting",
      due_at: scheduled.sendAt,
      token: 0,
      tries: 0,
      created_at: scheduled.createdAt,
    };
    return (await this.#sql.insertRows("scheduled_message", [row], "keep", tx)) > 0;
  }

  /** @returns false when it does not wait any more */
  async change(scheduledId: string, { content, sendAt }: { content?: Content; sendAt?: number }): Promise<boolean> {
    const sets = [
      ...(content === undefined ? [] : ["content = :content"]),
      ...(sendAt === undefined ? [] : ["send_at = :sendAt, due_at = :sendAt"]),
    ];
    const changed = await this.#sql.execute(
      `update scheduled_message set ${sets.join(", ")} where scheduled_id = :scheduledId and state = 'waiting'`,
      {
        scheduledId,
        ...(content !== undefined && { content: JSON.stringify(content) }),
        ...(sendAt !== undefined && { sendAt }),
      },
    );
    return changed > 0;
  }

  /** @returns false when it is on its way already, or gone */
  async cancel(scheduledId: string, at: number): Promise<boolean> {
    const changed = await this.#sql.execute(
      `update scheduled_message set state = 'cancelled', ${withoutWords}, due_at = null, ended_at = :at
       where scheduled_id = :scheduledId and state in ('waiting', 'failed')`,
      { scheduledId, at },
    );
    return changed > 0;
  }

  async forgetUser(userId: string): Promise<void> {
    await this.#sql.execute("delete from scheduled_message where user_id = :userId", { userId });
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#sql.transaction(work, { serializable: true });
  }
}
