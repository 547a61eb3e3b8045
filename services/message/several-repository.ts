import { compareIds } from "../../lib/compare-ids.ts";
import { gather, type GatherOptions } from "../../lib/gather.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { chunksOf } from "../../lib/page.ts";
import { byIndex, isAmong } from "../../mixins/database/dialect.ts";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { isHidden } from "./hidden.ts";
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
interface HeadQuery {
  readonly conversationId: string;
  readonly maxSeq: number;
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
const STATEMENTS_AT_ONCE = 4;

/** What many clients ask for at once, as when they all come back, goes into few statements. */
const GATHERED: GatherOptions = { parallel: 2, maxItems: 256 };

const countedBy = (user: string): string =>
  `m.sender_id <> :${user} and m.recalled_at is null and m.type not in ('system', 'void') and h.seq is null`;
const withHiddenFrom = (user: string): string =>
  `message m left join message_hidden h on h.user_id = :${user} and h.conversation_id = m.conversation_id and h.seq = m.seq`;

/** A question of one user. */
type Of<Q> = Q & { readonly userId: string };
const of = <Q>(userId: string, queries: readonly Q[]): Of<Q>[] => queries.map((query) => ({ ...query, userId }));

/** What a statement is made of for the i-th conversation; its rows carry `part`, which is i. */
type Part = (i: number) => string;
type PartRow<R> = R & { part: number };
type Time = Pick<MessageRow, "conversation_id" | "seq" | "created_at">;

const within = (i: number): string => `m.conversation_id = :id${i} and m.seq >= :min${i} and m.seq <= :max${i}`;

/**
 * Reads of several conversations that share their statements. SQLite saves the calls, MySQL the round trips: each
 * conversation is one part of a union, bounded by itself, so that it stays a range of the primary key.
 */
export class SeveralRepository {
  readonly #sql: Database;
  readonly #times = gather((places: readonly Place[]) => this.#readTimes(places), GATHERED);
  readonly #heads = gather((queries: readonly HeadQuery[]) => this.#readHeads(queries), GATHERED);
  readonly #pages = gather((queries: readonly Of<RowsQuery>[]) => this.#readPages(queries), GATHERED);
  readonly #counts = gather((ranges: readonly Of<RangeQuery>[]) => this.#readCounts(ranges), GATHERED);
  readonly #reactions = gather((ranges: readonly RangeQuery[]) => this.#readReactions(ranges), GATHERED);

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** Rows that stand at these places, of voids too, without regard to who asks. */
  async at(places: readonly Place[]): Promise<MessageRow[]> {
    return this.#places(places, `select ${qualifiedColumns} from message m`);
  }

  /** Messages at these places that the user has not deleted for themselves; no voids. */
  async visibleAt(userId: string, places: readonly Place[]): Promise<MessageRow[]> {
    const isVisible = `and m.type <> 'void' and not ${isHidden({ of: "m", from: "userId" })}`;
    return this.#places(places, `select ${qualifiedColumns} from message m`, isVisible, { userId });
  }

  /** The time of the message at each of these places; null where there is none. */
  timesAt(places: readonly Place[]): Promise<readonly (number | null)[]> {
    return this.#times(places);
  }

  async #readTimes(places: readonly Place[]): Promise<(number | null)[]> {
    const keys = places.map(({ conversationId, seq }) => `${conversationId} ${seq}`);
    const different = new Map(places.map((place, i) => [keys[i]!, place]));
    const rows = await this.#places<Time>(
      [...different.values()],
      "select m.conversation_id, m.seq, m.created_at from message m",
    );
    const times = new Map(rows.map((row) => [`${row.conversation_id} ${row.seq}`, Number(row.created_at)]));
    return keys.map((key) => times.get(key) ?? null);
  }

  /** By the key, which MySQL must be told: 200 places 2.3 ms, 6.5 as parts of a union, 11 where it may choose the index. */
  async #places<R extends object = MessageRow>(
    places: readonly Place[],
    select: string,
    and = "",
    params: SqlParams = {},
  ): Promise<R[]> {
    const found = await mapConcurrently(chunksOf(places, PLACES_PER_STATEMENT), STATEMENTS_AT_ONCE, (chunk) => {
      const tuples = chunk.map(({ conversationId, seq }) => [conversationId, seq] as const);
      const among = isAmong(this.#sql, ["m.conversation_id", "m.seq"], tuples);
      return this.#sql.select<R>(`${select} ${byIndex(this.#sql, "primary")} where ${among.where} ${and}`, {
        ...params,
        ...among.params,
      });
    });
    return found.flat();
  }

  /** The highest seq of each conversation that is not above `maxSeq`; null where there is none. */
  heads(queries: readonly HeadQuery[]): Promise<readonly (Head | null)[]> {
    return this.#heads(queries);
  }

  async #readHeads(queries: readonly HeadQuery[]): Promise<(Head | null)[]> {
    const part: Part = (i) =>
      this.#limited(`select ${i} as part, m.seq, m.created_at from message m where ${within(i)} order by m.seq desc limit 1`);
    const ranges = queries.map((query) => ({ ...query, minSeq: 1 }));
    const parts = await this.#union<Pick<MessageRow, "seq" | "created_at">>(ranges, part);
    return parts.map(([row]) => (row ? { seq: Number(row.seq), at: Number(row.created_at) } : null));
  }

  /** Visible rows of each query, ascending by seq. */
  pages(userId: string, queries: readonly RowsQuery[]): Promise<readonly MessageRow[][]> {
    return this.#pages(of(userId, queries));
  }

  async #readPages(queries: readonly Of<RowsQuery>[]): Promise<MessageRow[][]> {
    const pages = new Map<RowsQuery, MessageRow[]>();
    for (const [direction, theirs] of Map.groupBy(queries, (query) => query.direction)) {
      const part: Part = (i) =>
        this.#limited(
          `select ${i} as part, ${qualifiedColumns} from message m where ${within(i)} and not ${isHidden({ of: "m", from: `user${i}` })}
           order by m.seq ${direction === "up" ? "asc" : "desc"} limit :limit${i}`,
        );
      const found = await this.#union<MessageRow, Of<RowsQuery>>(theirs, part, ({ userId, limit }, i) => ({
        [`user${i}`]: userId,
        [`limit${i}`]: limit,
      }));
      found.forEach((rows, i) => pages.set(theirs[i]!, direction === "up" ? rows : rows.toReversed()));
    }
    return queries.map((query) => pages.get(query) ?? []);
  }

  /** What counts as unread in each range, and where the user has spoken last. */
  counts(userId: string, ranges: readonly RangeQuery[]): Promise<readonly RangeCount[]> {
    return this.#counts(of(userId, ranges));
  }

  async #readCounts(ranges: readonly Of<RangeQuery>[]): Promise<RangeCount[]> {
    const part: Part = (i) =>
      `select ${i} as part, coalesce(max(case when m.sender_id = :user${i} then m.seq end), 0) as own,
         count(case when ${countedBy(`user${i}`)} then 1 end) as count,
         count(case when ${countedBy(`user${i}`)} then m.mentions end) as mentioning
       from ${withHiddenFrom(`user${i}`)} where ${within(i)}`;
    const parts = await this.#union<Record<keyof RangeCount, number>, Of<RangeQuery>>(ranges, part, userParam);
    return parts.map(([row]) => ({
      own: Number(row?.own ?? 0),
      count: Number(row?.count ?? 0),
      mentioning: Number(row?.mentioning ?? 0),
    }));
  }

  /** The `mentions` of what counts as unread in each range. */
  async mentions(userId: string, ranges: readonly RangeQuery[]): Promise<string[][]> {
    const part: Part = (i) =>
      `select ${i} as part, m.mentions from ${withHiddenFrom(`user${i}`)}
       where ${within(i)} and ${countedBy(`user${i}`)} and m.mentions is not null`;
    const parts = await this.#union<{ mentions: string }, Of<RangeQuery>>(of(userId, ranges), part, userParam);
    return parts.map((rows) => rows.map(({ mentions }) => mentions));
  }

  /** Reactions to the messages of each range, the oldest first. */
  reactions(ranges: readonly RangeQuery[]): Promise<readonly ReactionRow[][]> {
    return this.#reactions(ranges);
  }

  async #readReactions(ranges: readonly RangeQuery[]): Promise<ReactionRow[][]> {
    const keys = ranges.map(({ conversationId, minSeq, maxSeq }) => `${conversationId} ${minSeq} ${maxSeq}`);
    const different = new Map(ranges.map((range, i) => [keys[i]!, range]));
    const part: Part = (i) => `select ${i} as part, m.seq, m.emoji, m.user_id, m.created_at from reaction m where ${within(i)}`;
    const parts = await this.#union<ReactionRow & { created_at: number }>([...different.values()], part);
    const rowsOf = new Map([...different.keys()].map((key, i) => [key, parts[i]!.sort(byTime)]));
    return keys.map((key) => rowsOf.get(key)!);
  }

  /** A part with an order and a limit of its own. On MySQL it must be no derived table: each with a text in it is put on disk. */
  #limited(select: string): string {
    return this.#sql.dialect === "mysql" ? `(${select})` : `select * from (${select})`;
  }

  /** Rows of each part, in the order of the queries. */
  async #union<R extends object, Q extends RangeQuery = RangeQuery>(
    queries: readonly Q[],
    part: Part,
    more: (query: Q, i: number) => SqlParams = () => ({}),
  ): Promise<R[][]> {
    const chunks = await Promise.all(
      chunksOf(queries, CONVERSATIONS_PER_STATEMENT).map(async (chunk) => {
        const padded = this.#sql.dialect === "mysql" ? chunk : pad(chunk);
        const values = padded.map((query, i) => ({ ...rangeParams(query, i), ...more(query, i) }));
        const sql = padded.map((_, i) => part(i)).join(" union all ");
        const rows = await this.#sql.select<PartRow<R>>(sql, Object.assign({}, ...values) as SqlParams);
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

const userParam = ({ userId }: { userId: string }, i: number): SqlParams => ({ [`user${i}`]: userId });

/** Fills up to a power of two with ranges that hold nothing, so that few statement texts are prepared. */
function pad<Q extends RangeQuery>(queries: readonly Q[]): Q[] {
  const length = 2 ** Math.ceil(Math.log2(queries.length));
  const nothing = { ...queries[0]!, minSeq: 1, maxSeq: 0 };
  return [...queries, ...Array<Q>(length - queries.length).fill(nothing)];
}

const byTime = (a: ReactionRow & { created_at: number }, b: ReactionRow & { created_at: number }): number =>
  Number(a.created_at) - Number(b.created_at) || compareIds(String(a.user_id), String(b.user_id));
