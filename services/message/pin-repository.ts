import { gather } from "../../lib/gather.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { chunksOf } from "../../lib/page.ts";
import { isAmong, takeTurn } from "../../mixins/database/dialect.ts";
import type { Database, Tx } from "../../mixins/database/port.ts";
import { isHidden } from "./hidden.ts";
import { qualifiedColumns, type Bounds, type MessageRow } from "./rows.ts";

export interface PinRow {
  conversation_id: string;
  seq: number;
  pinned_by: string | number;
  pinned_at: number;
}

type PinPlace = readonly [conversationId: string, seq: number];

const PLACES_PER_STATEMENT = 256;
const STATEMENTS_AT_ONCE = 4;

/** SQL of pinned messages. A recall takes the pin along. */
export class PinRepository {
  readonly #sql: Database;
  readonly #at = gather((places: readonly PinPlace[]) => this.#readAt(places), {
    parallel: 2,
    maxItems: PLACES_PER_STATEMENT,
  });

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** Pins of messages at these places. */
  async at(places: readonly PinPlace[]): Promise<PinRow[]> {
    return (await this.#at(places)).filter((pin) => pin !== null);
  }

  async #readAt(places: readonly PinPlace[]): Promise<(PinRow | null)[]> {
    const keys = places.map(([conversationId, seq]) => `${conversationId} ${seq}`);
    const different = [...new Map(places.map((place, i) => [keys[i], place])).values()];
    const found = await mapConcurrently(chunksOf(different, PLACES_PER_STATEMENT), STATEMENTS_AT_ONCE, (tuples) => {
      const { where, params } = isAmong(this.#sql, ["conversation_id", "seq"], tuples);
      return this.#sql.select<PinRow>(
        `select conversation_id, seq, pinned_by, pinned_at from message_pin where ${where}`,
        params,
      );
    });
    const pins = new Map(found.flat().map((pin) => [`${pin.conversation_id} ${pin.seq}`, pin]));
    return keys.map((key) => pins.get(key) ?? null);
  }

  /** Pinned messages that the user can see, the last pinned first. */
  async visible(conversationId: string, userId: string, bounds: Bounds): Promise<(MessageRow & PinRow)[]> {
    return this.#sql.select<MessageRow & PinRow>(
      `select ${qualifiedColumns}, p.pinned_by, p.pinned_at from message_pin p
       join message m on m.conversation_id = p.conversation_id and m.seq = p.seq
       where p.conversation_id = :conversationId and p.seq >= :minSeq and p.seq <= :maxSeq
         and not ${isHidden({ of: "p", from: "userId" })}
       order by p.pinned_at desc, p.seq desc`,
      { conversationId, userId, ...bounds },
    );
  }

  /** Whoever pins in the conversation follows whoever did before; the first statement of `tx`. */
  inTurn(conversationId: string, tx: Tx): Promise<void> {
    return takeTurn(this.#sql, tx, `pins ${conversationId}`);
  }

  async count(conversationId: string, tx: Tx): Promise<number> {
    const [row] = await this.#sql.select<{ count: number }>(
      "select count(*) as count from message_pin where conversation_id = :conversationId",
      { conversationId },
      tx,
    );
    return Number(row?.count ?? 0);
  }

  /** @returns false when it is pinned already */
  async add(pin: { conversationId: string; seq: number; userId: string; at: number }, tx: Tx): Promise<boolean> {
    const { conversationId, seq, userId, at } = pin;
    const row = { conversation_id: conversationId, seq, pinned_by: userId, pinned_at: at };
    return (await this.#sql.insertRows("message_pin", [row], "keep", tx)) > 0;
  }

  /** @returns false when it was not pinned */
  async remove(conversationId: string, seq: number, tx: Tx): Promise<boolean> {
    const removed = await this.#sql.execute(
      "delete from message_pin where conversation_id = :conversationId and seq = :seq",
      { conversationId, seq },
      tx,
    );
    return removed > 0;
  }
}
