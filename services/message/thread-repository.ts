import type { ThreadSummary } from "../../contracts/entities.ts";
import { compareIds } from "../../lib/compare-ids.ts";
import { gather } from "../../lib/gather.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { chunksOf } from "../../lib/page.ts";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { isHidden } from "./hidden.ts";
import { merge, qualifiedColumns, type Bounds, type MessageRow } from "./rows.ts";

export interface ThreadPage {
  readonly conversationId: string;
  readonly threadId: string;
  /** What they deleted for themselves is left out. */
  readonly viewer: string;
  readonly bounds: Bounds;
  readonly direction: "up" | "down";
  readonly limit: number;
}

interface SummaryRow {
  part: number;
  thread_id: string | number;
  count: number;
  last_seq: number;
  last_at: number;
}

/** Conversations of one statement, which is a union. */
const CONVERSATIONS_PER_STATEMENT = 32;
const STATEMENTS_AT_ONCE = 4;
const hiddenFromViewer = isHidden({ of: "m", from: "viewer" });
const notHiddenFrom = (viewer: string | null, param = "viewer"): string =>
  viewer === null ? "" : `and not ${isHidden({ of: "m", from: param })}`;

/** Threads of one conversation that are counted. */
export interface ThreadsAsked {
  readonly conversationId: string;
  readonly threadIds: readonly string[];
  /** The last seq that the viewer can see. */
  readonly maxSeq: number;
}
interface Counted extends ThreadsAsked {
  /** What they deleted for themselves is left out; null: nobody's. */
  readonly viewer: string | null;
  /** Seqs that are counted elsewhere. */
  readonly except: readonly number[];
}
type Summary = readonly [threadId: string, ThreadSummary];
/** Messages of conversations that may not be in SQL yet, by seq. */
export type Waiting = ReadonlyMap<string, readonly MessageRow[]>;

/**
 * SQL of threads: the messages that carry the id of the one at which their thread begins. What a thread holds is counted from
 * them, so that it cannot drift. Messages that are on their way to SQL are counted with the others.
 */
export class ThreadRepository {
  readonly #sql: Database;
  readonly #counted = gather((asked: readonly Counted[]) => this.#count(asked), { parallel: 2, maxItems: 128 });
  readonly #waiting: (conversationIds: readonly string[]) => Promise<Waiting>;

  /** @param waiting messages of conversations that are acknowledged and may not be in SQL yet, by seq */
  constructor(sql: Database, waiting: (conversationIds: readonly string[]) => Promise<Waiting>) {
    this.#sql = sql;
    this.#waiting = waiting;
  }

  /**
   * Of each of these threads that has messages: how many are not recalled, and the last of those.
   * @param viewer what they deleted for themselves is left out; null: nobody's
   * @param known what may not be in SQL yet of these conversations, where that was asked for before
   */
  async summaries(viewer: string | null, asked: readonly ThreadsAsked[], known?: Waiting): Promise<Map<string, ThreadSummary>> {
    const some = asked.filter(({ threadIds }) => threadIds.length > 0);
    if (some.length === 0) return new Map();
    const waiting = known ?? (await this.#waiting(some.map(({ conversationId }) => conversationId)));
    const found = await this.#counted(
      some.map((one) => ({ ...one, viewer, except: waitingIn(waiting, one).map(({ seq }) => Number(seq)) })),
    );
    const summaries = new Map(found.flat());
    for (const one of some) for (const row of await this.#uncounted(viewer, one, waiting)) add(summaries, row);
    return summaries;
  }

  async #count(asked: readonly Counted[]): Promise<Summary[][]> {
    const found = await mapConcurrently(chunksOf(asked, CONVERSATIONS_PER_STATEMENT), STATEMENTS_AT_ONCE, (chunk) =>
      this.#countSome(chunk),
    );
    return found.flat();
  }

  /**
   * One part of a union for each conversation, so that each is one range of the index: threads that are asked for together began
   * close together. Times ascend with seqs.
   */
  async #countSome(asked: readonly Counted[]): Promise<Summary[][]> {
    const params: Record<string, SqlParams[string]> = {};
    const parts = asked.map(({ conversationId, threadIds, maxSeq, viewer, except }, i) => {
      const ids = threadIds.toSorted(compareIds);
      Object.assign(params, {
        [`id${i}`]: conversationId,
        [`first${i}`]: ids[0],
        [`last${i}`]: ids.at(-1),
        [`max${i}`]: finite(maxSeq),
      });
      if (viewer !== null) params[`viewer${i}`] = viewer;
      if (except.length > 0) params[`except${i}`] = except;
      return `select ${i} as part, m.thread_id as thread_id, count(*) as count, max(m.seq) as last_seq, max(m.created_at) as last_at
        from message m
        where m.conversation_id = :id${i} and m.thread_id >= :first${i} and m.thread_id <= :last${i} and m.seq <= :max${i}
          and m.recalled_at is null
          ${except.length === 0 ? "" : `and m.seq not in (:except${i})`} ${notHiddenFrom(viewer, `viewer${i}`)}
        group by m.thread_id`;
    });
    const rows = Map.groupBy(await this.#sql.select<SummaryRow>(parts.join(" union all "), params), ({ part }) => Number(part));
    return asked.map(({ threadIds }, i) => {
      const wanted = new Set(threadIds);
      return (rows.get(i) ?? []).map(summaryOf).filter(([threadId]) => wanted.has(threadId));
    });
  }

  /** Each that may be missing in SQL is looked at by itself, so that none counts twice. */
  async #uncounted(viewer: string | null, asked: ThreadsAsked, waiting: Waiting): Promise<MessageRow[]> {
    const here = waitingIn(waiting, asked);
    if (here.length === 0) return [];
    const stored = await this.#sql.select<MessageRow & { hidden: number }>(
      `select ${qualifiedColumns}, ${viewer === null ? "0" : `case when ${hiddenFromViewer} then 1 else 0 end`} as hidden
       from message m where m.conversation_id = :conversationId and m.seq in (:seqs)`,
      {
        conversationId: asked.conversationId,
        seqs: here.map(({ seq }) => seq),
        ...(viewer !== null && { viewer }),
      },
    );
    return merge(here, stored).filter((row) => !("hidden" in row) || Number(row.hidden) === 0);
  }

  /**
   * Messages of a thread from a position on, ascending by seq, at most `limit`; recalled ones keep their places.
   * @param known what may not be in SQL yet of the conversation, where that was asked for before
   */
  async page({ conversationId, viewer, threadId, bounds, direction, limit }: ThreadPage, known?: Waiting): Promise<MessageRow[]> {
    const { minSeq, maxSeq } = bounds;
    const tails = known ?? (await this.#waiting([conversationId]));
    const waiting = waitingIn(tails, { conversationId, threadIds: [threadId], maxSeq }).filter(({ seq }) => seq >= minSeq);
    const rows = await this.#sql.select<MessageRow>(
      `select ${qualifiedColumns} from message m
       where m.conversation_id = :conversationId and m.thread_id = :threadId and m.seq >= :minSeq and m.seq <= :maxSeq
         ${notHiddenFrom(viewer)}
       order by m.seq ${direction === "up" ? "asc" : "desc"} limit :limit`,
      { conversationId, threadId, minSeq, maxSeq, limit, viewer },
    );
    const all = merge(waiting, direction === "up" ? rows : rows.toReversed());
    return direction === "up" ? all.slice(0, limit) : all.slice(-limit);
  }
}

const waitingIn = (waiting: Waiting, { conversationId, threadIds, maxSeq }: ThreadsAsked): MessageRow[] =>
  (waiting.get(conversationId) ?? []).filter(
    ({ thread_id, seq }) => thread_id !== null && threadIds.includes(String(thread_id)) && seq <= maxSeq,
  );

const summaryOf = (row: SummaryRow): Summary => [
  String(row.thread_id),
  { count: Number(row.count), lastSeq: Number(row.last_seq), lastAt: Number(row.last_at) },
];

const finite = (seq: number): number => Math.min(seq, Number.MAX_SAFE_INTEGER);

function add(summaries: Map<string, ThreadSummary>, row: MessageRow): void {
  if (row.recalled_at !== null) return;
  const threadId = String(row.thread_id);
  const seq = Number(row.seq);
  const known = summaries.get(threadId);
  const isLast = !known || known.lastSeq < seq;
  summaries.set(threadId, {
    count: (known?.count ?? 0) + 1,
    lastSeq: isLast ? seq : known.lastSeq,
    lastAt: isLast ? Number(row.created_at) : known.lastAt,
  });
}
