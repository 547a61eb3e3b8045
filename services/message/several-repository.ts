import { chunksOf } from "../../lib/page.ts";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { qualifiedColumns, type Bounds, type MessageRow, type ReactionRow } from "./rows.ts";

/** A page of one conversation: `limit` rows from one end of the bounds. */
export interface RowsQuery extends Bounds {
  readonly conversationId: string;
  readonly direction: "up" | "down";
  readonly limit: number;
}
export interface RangeQuery extends Bounds {
  readonly conversationId: string;
}
export interface Place {
  readonly conversationId: string;
  readonly seq: number;
}
export interface Head {
  readonly seq: number;
  readonly at: number;
}
export interface RangeCount {
  /** The last message in the range that the user sent themselves, deleted for them or not; 0 when there is none. */
  readonly own: number;
  readonly count: number;
  /** Those of them that mention somebody. */
  readonly mentioning: number;
}

/** Conversations of one statement, which is a union: more would make it no cheaper for each. */
const CONVERSATIONS_PER_STATEMENT = 32;
/** Places of one statement. */
const PLACES_PER_STATEMENT = 256;

const hiddenFromUser =
  "select 1 from message_hidden h where h.user_id = :userId and h.conversation_id = m.conversation_id and h.seq = m.seq";
const counted = "m.sender_id <> :userId and m.recalled_at is null and m.type not in ('system', 'void') and h.seq is null";

/** What a statement is made of for the i-th conversation; its rows carry `part`, which is i. */
type Part = (i: number) => string;
type PartRow<R> = R & { part: number };

const within = (i: number): string => `m.conversation_id = :id${i} and m.seq >= :min${i} and m.seq <= :max${i}`;

/**
 * Reads of several conversations that share their statements. SQLite saves the calls, MySQL the round trips: each
 * conversation is one part of a union, bounded by itself, so that it stays a range of the primary key.
 */
export class SeveralRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** Rows that stand at these places, of voids too, without regard to who asks. */
  async at(places: readonly Place[]): Promise<MessageRow[]> {
    return this.#places(places, `select ${qualifiedColumns} from message m`);
  }

  /** Messages at these places that the user has not deleted for themselves; no voids. */
  async visibleAt(userId: string, places: readonly Place[]): Promise<MessageRow[]> {
    const isVisible = `and m.type <> 'void' and not exists (${hiddenFromUser})`;
    return this.#places(places, `select ${qualifiedColumns} from message m`, isVisible, { userId });
  }

  /** The times of messages at these places. */
  async timesAt(places: readonly Place[]): Promise<Pick<MessageRow, "conversation_id" | "seq" | "created_at">[]> {
    return this.#places(places, "select m.conversation_id, m.seq, m.created_at from message m");
  }

  /** MySQL takes each place for itself: 200 of them 3.5 ms, in a list of tuples 22 ms. */
  async #places(places: readonly Place[], select: string, and = "", params: SqlParams = {}): Promise<MessageRow[]> {
    const isMysql = this.#sql.dialect === "mysql";
    const found = await Promise.all(
      chunksOf(places, PLACES_PER_STATEMENT).map((chunk) => {
        const tuples = chunk.map(({ conversationId, seq }) => [conversationId, seq] as const);
        if (!isMysql)
          return this.#sql.select<MessageRow>(`${select} where (m.conversation_id, m.seq) in (:tuples) ${and}`, {
            ...params,
            tuples,
          });
        const one = (_: unknown, i: number): string =>
          `(${select} where m.conversation_id = :id${i} and m.seq = :seq${i} ${and})`;
        const values: SqlParams[] = tuples.map(([id, seq], i) => ({ [`id${i}`]: id, [`seq${i}`]: seq }));
        return this.#sql.select<MessageRow>(
          chunk.map(one).join(" union all "),
          Object.assign({ ...params }, ...values) as SqlParams,
        );
      }),
    );
    return found.flat();
  }

  /** The highest seq of each conversation that is not above `maxSeq`; null where there is none. */
  async heads(queries: readonly { conversationId: string; maxSeq: number }[]): Promise<(Head | null)[]> {
    const part: Part = (i) =>
      this.#limited(`select ${i} as part, m.seq, m.created_at from message m where ${within(i)} order by m.seq desc limit 1`);
    const ranges = queries.map((query) => ({ ...query, minSeq: 1 }));
    const parts = await this.#union<Pick<MessageRow, "seq" | "created_at">>(ranges, part);
    return parts.map(([row]) => (row ? { seq: Number(row.seq), at: Number(row.created_at) } : null));
  }

  /** Visible rows of each query, ascending by seq. */
  async pages(userId: string, queries: readonly RowsQuery[]): Promise<MessageRow[][]> {
    const pages = new Map<RowsQuery, MessageRow[]>();
    for (const [direction, of] of Map.groupBy(queries, (query) => query.direction)) {
      const part: Part = (i) =>
        this.#limited(
          `select ${i} as part, ${qualifiedColumns} from message m where ${within(i)} and not exists (${hiddenFromUser})
           order by m.seq ${direction === "up" ? "asc" : "desc"} limit :limit${i}`,
        );
      const limits = (query: RowsQuery, i: number): SqlParams => ({ [`limit${i}`]: query.limit });
      const found = await this.#union<MessageRow, RowsQuery>(of, part, { userId }, limits);
      found.forEach((rows, i) => pages.set(of[i]!, direction === "up" ? rows : rows.toReversed()));
    }
    return queries.map((query) => pages.get(query) ?? []);
  }

  /** What counts as unread in each range, and where the user has spoken last. */
  async counts(userId: string, ranges: readonly RangeQuery[]): Promise<RangeCount[]> {
    const part: Part = (i) =>
      `select ${i} as part, coalesce(max(case when m.sender_id = :userId then m.seq end), 0) as own,
         count(case when ${counted} then 1 end) as count, count(case when ${counted} then m.mentions end) as mentioning
       from message m left join message_hidden h
         on h.user_id = :userId and h.conversation_id = m.conversation_id and h.seq = m.seq
       where ${within(i)}`;
    const parts = await this.#union<Record<keyof RangeCount, number>>(ranges, part, { userId });
    return parts.map(([row]) => ({
      own: Number(row?.own ?? 0),
      count: Number(row?.count ?? 0),
      mentioning: Number(row?.mentioning ?? 0),
    }));
  }

  /** The `mentions` of what counts as unread in each range. */
  async mentions(userId: string, ranges: readonly RangeQuery[]): Promise<string[][]> {
    const part: Part = (i) =>
      `select ${i} as part, m.mentions from message m left join message_hidden h
         on h.user_id = :userId and h.conversation_id = m.conversation_id and h.seq = m.seq
       where ${within(i)} and ${counted} and m.mentions is not null`;
    const parts = await this.#union<{ mentions: string }>(ranges, part, { userId });
    return parts.map((rows) => rows.map(({ mentions }) => mentions));
  }

  /** Reactions to the messages of each range, the oldest first. */
  async reactions(ranges: readonly RangeQuery[]): Promise<ReactionRow[][]> {
    const part: Part = (i) => `select ${i} as part, m.seq, m.emoji, m.user_id, m.created_at from reaction m where ${within(i)}`;
    const parts = await this.#union<ReactionRow & { created_at: number }>(ranges, part);
    return parts.map((rows) => rows.sort((a, b) => Number(a.created_at) - Number(b.created_at) || byUser(a, b)));
  }

  /** A part with an order and a limit of its own. On MySQL it must be no derived table: each with a text in it is put on disk. */
  #limited(select: string): string {
    return this.#sql.dialect === "mysql" ? `(${select})` : `select * from (${select})`;
  }

  /** Rows of each part, in the order of the queries. */
  async #union<R extends object, Q extends RangeQuery = RangeQuery>(
    queries: readonly Q[],
    part: Part,
    params: SqlParams = {},
    more: (query: Q, i: number) => SqlParams = () => ({}),
  ): Promise<R[][]> {
    const chunks = await Promise.all(
      chunksOf(queries, CONVERSATIONS_PER_STATEMENT).map(async (chunk) => {
        const padded = this.#sql.dialect === "mysql" ? chunk : pad(chunk);
        const values = padded.map((query, i) => ({ ...rangeParams(query, i), ...more(query, i) }));
        const sql = padded.map((_, i) => part(i)).join(" union all ");
        const rows = await this.#sql.select<PartRow<R>>(sql, Object.assign({ ...params }, ...values) as SqlParams);
        const byPart = Map.groupBy(rows, (row) => Number(row.part));
        return chunk.map((_, i) => byPart.get(i) ?? []);
      }),
    );
    return chunks.flat();
  }
}

const rangeParams = ({ conversationId, minSeq, maxSeq }: RangeQuery, i: number): SqlParams => ({
  [`id${i}`]: conversationId,
  [`min${i}`]: minSeq,
  [`max${i}`]: maxSeq,
});

/** Fills up to a power of two with ranges that hold nothing, so that few statement texts are prepared. */
function pad<Q extends RangeQuery>(queries: readonly Q[]): Q[] {
  const length = 2 ** Math.ceil(Math.log2(queries.length));
  const nothing = { ...queries[0]!, minSeq: 1, maxSeq: 0 };
  return [...queries, ...Array<Q>(length - queries.length).fill(nothing)];
}

/** Ids as numbers: without leading zeros the shorter one is the lower. */
function byUser(a: ReactionRow, b: ReactionRow): number {
  const [one, other] = [String(a.user_id), String(b.user_id)];
  return one.length - other.length || (one < other ? -1 : Number(one > other));
}
