import { setTimeout as delay } from "node:timers/promises";
import type { MessageRecord } from "../../contracts/records.ts";
import { imError } from "../../lib/errors.ts";
import { burnTimesAt } from "../../mixins/burn-timers/index.ts";
import type { HotConversations } from "../../mixins/hot-store/port.ts";
import type { BurnTimes } from "./view.ts";
import { PinRepository } from "./pin-repository.ts";
import { MessageRepository } from "./repository.ts";
import { isMentioned, merge, type Bounds, type MessageRow } from "./rows.ts";
import { ThreadRepository } from "./thread-repository.ts";

/** How long a change of a message waits for its row: many times what writing it takes. */
const STORED_TIMEOUT_MS = 3_000;
const POLL_MS = 25;

export interface LiveMessagesDeps {
  readonly conversations: Pick<HotConversations, "find" | "unpersisted">;
  /** Those of these users whose account is erased: what they sent is shown without its words. */
  erasedAmong(userIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/**
 * Messages as people read them: those in SQL and those that are acknowledged and on their way there, without a seam. The hot
 * store is asked first, since what is written meanwhile is found in SQL; where both know a message SQL counts, for it alone
 * knows of changes.
 */
export class LiveMessages extends MessageRepository {
  readonly #deps: LiveMessagesDeps;
  readonly pins: PinRepository;
  readonly threads: ThreadRepository;
  readonly burns: BurnTimes;

  constructor(sql: ConstructorParameters<typeof MessageRepository>[0], deps: LiveMessagesDeps) {
    super(sql);
    this.#deps = deps;
    this.pins = new PinRepository(sql);
    this.burns = { at: (places) => burnTimesAt(sql, places) };
    this.threads = new ThreadRepository(sql, (conversationIds) => this.tails(conversationIds));
  }

  override async byId(messageId: string): Promise<MessageRow | null> {
    const row = await super.byId(messageId);
    if (row) return row;
    const found = await this.#deps.conversations.find(messageId);
    if (!found) return null;
    if (found.persistStatus === "PENDING" && found.loggedAt === null) return null;
    const [waiting] = await this.#rowsOf([found.record]);
    return (await super.byId(messageId)) ?? (found.persistStatus === "PENDING" ? waiting! : null);
  }

  /** Waits for the row of a message that is on its way to SQL. @throws UNAVAILABLE when it does not come */
  async stored(row: MessageRow): Promise<MessageRow> {
    if (row.persisted_at !== null) return row;
    for (const end = performance.now() + STORED_TIMEOUT_MS; performance.now() < end; await delay(POLL_MS)) {
      const stored = await super.byId(String(row.message_id));
      if (stored) return stored;
    }
    throw imError("UNAVAILABLE");
  }

  override async bySeqs(conversationId: string, seqs: readonly number[]): Promise<MessageRow[]> {
    const rows = await super.bySeqs(conversationId, seqs);
    if (rows.length === new Set(seqs).size) return rows;
    const known = new Set(rows.map(({ seq }) => Number(seq)));
    const missing = seqs.filter((seq) => !known.has(seq));
    const tail = (await this.#tail(conversationId)).filter(({ seq }) => missing.includes(seq));
    return [...rows, ...merge(tail, await super.bySeqs(conversationId, missing))];
  }

  override async head(conversationId: string, maxSeq: number | null): Promise<{ seq: number; at: number }> {
    const tail = await this.#tail(conversationId);
    const stored = await super.head(conversationId, maxSeq);
    const last = tail.findLast(({ seq }) => maxSeq === null || seq <= maxSeq);
    return last && last.seq > stored.seq ? { seq: last.seq, at: last.created_at } : stored;
  }

  override async page(
    conversationId: string,
    userId: string,
    bounds: Bounds,
    direction: "up" | "down",
    limit: number,
  ): Promise<MessageRow[]> {
    const tail = (await this.#tail(conversationId)).filter(({ seq }) => seq >= bounds.minSeq && seq <= bounds.maxSeq);
    const rows = await super.page(conversationId, userId, bounds, direction, limit);
    if (tail.length === 0) return rows;
    const merged = merge(tail, rows);
    return direction === "up" ? merged.slice(0, limit) : merged.slice(-limit);
  }

  override async createdAt(conversationId: string, seq: number): Promise<number | null> {
    const [row] = await this.bySeqs(conversationId, [seq]);
    return row ? Number(row.created_at) : null;
  }

  override async unread(conversationId: string, userId: string, bounds: Bounds): Promise<{ count: number; mentioned: boolean }> {
    const tail = (await this.#tail(conversationId)).filter(({ seq }) => seq >= bounds.minSeq && seq <= bounds.maxSeq);
    const [first] = tail;
    if (!first) return super.unread(conversationId, userId, bounds);
    // From the first that may be missing in SQL on, each is looked at, so that none counts twice.
    const below = { minSeq: bounds.minSeq, maxSeq: first.seq - 1 };
    const rest = { minSeq: first.seq, maxSeq: bounds.maxSeq };
    const [stored, rows] = await Promise.all([
      below.minSeq > below.maxSeq ? { count: 0, mentioned: false } : super.unread(conversationId, userId, below),
      super.page(conversationId, userId, rest, "up", rest.maxSeq - rest.minSeq + 1),
    ]);
    const counted = merge(tail, rows).filter((row) => counts(row, userId));
    const mentioned = counted.some(({ mentions }) => isMentioned(mentions, userId));
    return { count: stored.count + counted.length, mentioned: stored.mentioned || mentioned };
  }

  async #tail(conversationId: string): Promise<MessageRow[]> {
    return (await this.tails([conversationId])).get(conversationId) ?? [];
  }

  /** What may not be in SQL of each conversation, by seq; those of which all is there are left out. */
  async tails(conversationIds: readonly string[]): Promise<Map<string, MessageRow[]>> {
    const { conversations } = this.#deps;
    const records = await Promise.all(conversationIds.map((conversationId) => conversations.unpersisted(conversationId)));
    return Map.groupBy(await this.#rowsOf(records.flat()), (row) => row.conversation_id);
  }

  async #rowsOf(records: readonly MessageRecord[]): Promise<MessageRow[]> {
    if (records.length === 0) return [];
    const erased = await this.#deps.erasedAmong([...new Set(records.map(({ senderId }) => senderId))]);
    return records.map((record) => waitingRow(record, erased.has(record.senderId)));
  }
}

/** As its row will be. */
function waitingRow(record: MessageRecord, isErased: boolean): MessageRow {
  const { content, replyTo, mentions } = record;
  const words = isErased
    ? { content: "{}", reply_to: null, mentions: null, recalled_at: record.createdAt }
    : {
        content: JSON.stringify(content),
        reply_to: replyTo === null ? null : JSON.stringify(replyTo),
        mentions: mentions === null ? null : JSON.stringify(mentions),
        recalled_at: null,
      };
  return {
    conversation_id: record.conversationId,
    seq: record.seq,
    message_id: record.messageId,
    sender_id: record.senderId,
    client_msg_id: record.clientMsgId,
    type: record.type,
    ...words,
    body_hash: record.bodyHash,
    created_at: record.createdAt,
    persisted_at: null,
    version: 0,
    edited_at: null,
    thread_id: record.threadId ?? null,
    burn_after_ms: record.burnAfterMs ?? null,
  };
}

const counts = (row: MessageRow, userId: string): boolean =>
  String(row.sender_id) !== userId && row.recalled_at === null && row.type !== "system" && row.type !== "void";
