import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { LiveMessages } from "./live-messages.ts";
import { isMentioned, merge, type MessageRow, type ReactionRow } from "./rows.ts";
import { SeveralRepository, type Head, type Place, type RangeQuery, type RowsQuery } from "./several-repository.ts";

export type Tails = ReadonlyMap<string, readonly MessageRow[]>;
export interface Unread {
  readonly count: number;
  readonly mentioned: boolean;
  /** The user's own last message in the range, behind which is counted; 0 when there is none. */
  readonly own: number;
}
export interface HeadQuery {
  readonly conversationId: string;
  readonly maxSeq: number | null;
}

/** Conversations that are read one by one at once, where a statement for all of them cannot answer. */
const PARALLEL = 16;

const keyOf = (conversationId: string, seq: number | string): string => `${conversationId} ${seq}`;
const isIn = ({ minSeq, maxSeq }: RangeQuery, row: MessageRow): boolean => row.seq >= minSeq && row.seq <= maxSeq;

/**
 * What `LiveMessages` reads, for several conversations at a time. `tails` are asked for first, once for all that is read of the
 * conversations then: what they name is either on its way or found in SQL, however late that is asked.
 */
export class LiveSeveral {
  /** The same, one conversation at a time. */
  readonly live: LiveMessages;
  readonly #stored: SeveralRepository;

  constructor(sql: Database, live: LiveMessages) {
    this.live = live;
    this.#stored = new SeveralRepository(sql);
  }

  tails(conversationIds: readonly string[]): Promise<Tails> {
    return this.live.tails(conversationIds);
  }

  /** The last message of each conversation up to a bound; seq 0 where there is none. In the usual case it stands at the bound. */
  async heads(queries: readonly HeadQuery[]): Promise<Head[]> {
    const bounded = queries.filter(({ maxSeq }) => maxSeq !== null && maxSeq > 0);
    const found = await this.#stored.timesAt(bounded.map(({ conversationId, maxSeq }) => ({ conversationId, seq: maxSeq! })));
    const times = new Map(bounded.map((query, i) => [query, found[i]!]));
    const others = queries.filter((query) => query.maxSeq !== 0 && (times.get(query) ?? null) === null);
    const heads = new Map<HeadQuery, Head>();
    if (others.length > 0) {
      const tails = await this.tails(others.map(({ conversationId }) => conversationId));
      const stored = await this.storedHeads(others);
      others.forEach((query, i) => heads.set(query, newer(query, tails.get(query.conversationId) ?? [], stored[i]!)));
    }
    return queries.map((query) => {
      const at = times.get(query) ?? null;
      return at === null ? (heads.get(query) ?? { seq: 0, at: 0 }) : { seq: query.maxSeq!, at };
    });
  }

  /** Of what is in SQL. */
  async storedHeads(queries: readonly HeadQuery[]): Promise<Head[]> {
    const heads = await this.#stored.heads(
      queries.map(({ conversationId, maxSeq }) => ({ conversationId, maxSeq: maxSeq ?? Number.MAX_SAFE_INTEGER })),
    );
    return heads.map((head) => head ?? { seq: 0, at: 0 });
  }

  /** Visible rows of each query, ascending by seq. */
  async pages(userId: string, queries: readonly RowsQuery[], tails: Tails): Promise<MessageRow[][]> {
    const stored = await this.#stored.pages(userId, queries);
    return queries.map((query, i) => {
      const waiting = (tails.get(query.conversationId) ?? []).filter((row) => isIn(query, row));
      if (waiting.length === 0) return stored[i]!;
      const merged = merge(waiting, stored[i]!);
      return query.direction === "up" ? merged.slice(0, query.limit) : merged.slice(-query.limit);
    });
  }

  /**
   * What is unread in each range: behind what the user said there last, for who sends has read. Their cursor follows their sending
   * a moment later, which a crash may forestall, while the message is there.
   */
  async unread(userId: string, ranges: readonly RangeQuery[], tails: Tails): Promise<Unread[]> {
    const counts = await this.#stored.counts(userId, ranges);
    const all = ranges.map((range, i) => {
      const waiting = (tails.get(range.conversationId) ?? []).filter((row) => isIn(range, row));
      const said = waiting.findLast((row) => String(row.sender_id) === userId);
      const own = Math.max(counts[i]!.own, Number(said?.seq ?? 0));
      return { range: own === 0 ? range : { ...range, minSeq: own + 1 }, own, counted: counts[i]!, isLive: waiting.length > 0 };
    });
    const shortened = all.filter(({ isLive, own }) => !isLive && own > 0);
    const again = await this.#stored.counts(
      userId,
      shortened.map(({ range }) => range),
    );
    shortened.forEach((one, i) => (one.counted = again[i]!));
    const mentioning = all.filter(({ isLive, counted }) => !isLive && counted.mentioning > 0);
    const mentions = await this.#stored.mentions(
      userId,
      mentioning.map(({ range }) => range),
    );
    const mentioned = new Set(mentioning.filter((_, i) => mentions[i]!.some((text) => isMentioned(text, userId))));
    return mapConcurrently(all, PARALLEL, async (one) => {
      const { range, own, counted, isLive } = one;
      if (!isLive) return { own, count: counted.count, mentioned: mentioned.has(one) };
      if (range.minSeq > range.maxSeq) return { own, count: 0, mentioned: false };
      return { own, ...(await this.live.unread(range.conversationId, userId, range)) };
    });
  }

  /** Messages at these places, without regard to who asks. */
  async at(places: readonly Place[]): Promise<MessageRow[]> {
    const rows = await this.#stored.at(places);
    const known = new Set(rows.map((row) => keyOf(row.conversation_id, row.seq)));
    const missing = places.filter(({ conversationId, seq }) => !known.has(keyOf(conversationId, seq)));
    if (missing.length === 0) return rows;
    const byConversation = [...Map.groupBy(missing, ({ conversationId }) => conversationId)];
    const found = await mapConcurrently(byConversation, PARALLEL, ([conversationId, of]) =>
      this.live.bySeqs(
        conversationId,
        of.map(({ seq }) => seq),
      ),
    );
    return [...rows, ...found.flat()];
  }

  /** Messages in SQL at these places that the user has not deleted for themselves; no voids. */
  visibleAt(userId: string, places: readonly Place[]): Promise<MessageRow[]> {
    return this.#stored.visibleAt(userId, places);
  }

  /** Reactions to the messages of each range. */
  reactions(ranges: readonly RangeQuery[]): Promise<readonly ReactionRow[][]> {
    return this.#stored.reactions(ranges);
  }
}

function newer({ maxSeq }: HeadQuery, tail: readonly MessageRow[], stored: Head): Head {
  const last = tail.findLast(({ seq }) => maxSeq === null || seq <= maxSeq);
  return last && last.seq > stored.seq ? { seq: Number(last.seq), at: Number(last.created_at) } : stored;
}
