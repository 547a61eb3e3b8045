import type { Message } from "../../../contracts/entities.ts";
import type { Params } from "../../../contracts/index.ts";
import { MAX_SYNC_CONVERSATIONS } from "../../../contracts/limits.ts";
import type { ServerEventName, ServerEventPayload } from "../../../contracts/socket-events.ts";
import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import { applyPage, type Asked } from "./apply-page.ts";
import { applyCleared, applyDeleted, applyNew, applyRead, applyUpdated, receiptsOf, recount, type SyncPage } from "./apply.ts";
import type { Picture, Transaction } from "./picture.ts";
import type { ConversationRecord } from "./records.ts";
import { unref } from "./session-keeper.ts";

/** A gap that has not closed by then is fetched. */
const GAP_MS = 1_000;
/** What came while a sync ran and cannot be put in order with it, is asked again. */
const UNORDERED_MS = 300;
/** Again after this and up to as much more, whatever happens. */
const EVERY_MS = 240_000;
const CONVERSATIONS_OF_A_PAGE = 50;

type Push = { [E in ServerEventName]: { readonly event: E; readonly payload: ServerEventPayload<E> } }[ServerEventName];

export interface SyncDeps {
  readonly picture: Picture;
  readonly me: () => string;
  /** @throws ImError */
  readonly pull: (params: Params<"sync.pull">) => Promise<SyncPage>;
  /** What stands in the picture is what the server has. */
  readonly onSynced: (rosters: { friendsVersion: string; groupsVersion: string }) => void;
  /** The picture has changed. */
  readonly onApplied: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the picture as the server has it: by pushes while they come in order, and by a sync (docs/sync.md) after each connection,
 * at a gap, and whenever anything is in doubt. A push is a hint, a sync is the truth.
 */
export class Syncer {
  readonly #deps: SyncDeps;
  #isOpen = false;
  #isSyncing = false;
  #isWanted = false;
  #isDraining = false;
  /** Counts connections: what was asked on an earlier one is asked again. */
  #opened = 0;
  #tries = 0;
  #queue: Push[] = [];
  /** Messages behind a gap. */
  readonly #ahead = new Map<string, Map<number, Message>>();
  readonly #stale = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = Infinity;

  constructor(deps: SyncDeps) {
    this.#deps = deps;
  }

  open(): void {
    this.#isOpen = true;
    this.#tries = 0;
    this.request();
  }

  /** What comes until it is open again is not missed: a sync begins it. */
  close(): void {
    this.#isOpen = false;
    this.#isWanted = false;
    this.#opened++;
    this.#queue = [];
    this.#ahead.clear();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = Infinity;
  }

  push(push: Push): void {
    this.#queue.push(push);
    void this.#drain();
  }

  /** Syncs after at most so many milliseconds. */
  request(ms = 0): void {
    if (!this.#isOpen) return;
    if (ms === 0) {
      this.#isWanted = true;
      if (!this.#isSyncing) void this.#run();
      return;
    }
    const at = Date.now() + ms;
    if (at >= this.#timerAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.request();
    }, ms);
    unref(this.#timer);
  }

  async #run(): Promise<void> {
    this.#isSyncing = true;
    while (this.#isWanted && this.#isOpen) {
      this.#isWanted = false;
      const opened = this.#opened;
      try {
        await this.#sync();
        this.#tries = 0;
      } catch (error) {
        this.#deps.onError(error);
        // A connection that came meanwhile has asked for its own.
        if (opened !== this.#opened) continue;
        this.#isWanted = false;
        this.request(backoffMs(++this.#tries, error instanceof ImError ? error.retryAfterMs : 0));
      }
    }
    this.#isSyncing = false;
    await this.#drain();
  }

  async #sync(): Promise<void> {
    const { picture } = this.#deps;
    const { era } = picture;
    const opened = this.#opened;
    await picture.transact(async () => undefined); // what was pushed before is in
    const version = (await picture.store.get("meta", ["version"])) as string | undefined;
    const stale = [...this.#stale];
    const request = { conversations: marksOf(picture, this.#stale, this.#deps.me()), ...(version !== undefined && { version }) };
    let asked: Asked = { me: this.#deps.me(), marks: request.conversations, isNew: version === undefined, isFirstPage: true };
    let cursor: string | null = null;
    let hasReset = false;
    let hasMore = false;
    do {
      if (opened !== this.#opened) throw new ImError(0, "The connection was closed");
      const page: SyncPage = await this.#deps.pull({
        ...request,
        limit: CONVERSATIONS_OF_A_PAGE,
        ...(cursor !== null && { cursor }),
      });
      await this.#transact(async (tx) => {
        if (page.reset && !hasReset) {
          tx.reset();
          asked = { ...asked, marks: {}, isNew: true, untold: untoldOf(picture) };
        }
        hasReset ||= page.reset;
        hasMore = (await applyPage(tx, page, asked)) || hasMore;
        if (page.nextCursor === null) tx.put("meta", "version", page.version);
      }, era);
      cursor = page.nextCursor;
      asked = { ...asked, isFirstPage: false };
      if (cursor === null) this.#deps.onSynced(page);
    } while (cursor !== null);
    for (const id of stale) this.#stale.delete(id);
    this.#settle(hasMore);
    this.request(EVERY_MS * (1 + Math.random()));
  }

  /** What was pushed meanwhile is put in order with what the sync brought. */
  #settle(hasMore: boolean): void {
    for (const ahead of this.#ahead.values()) this.#queue.unshift(...[...ahead.values()].map(asNew));
    this.#ahead.clear();
    if (hasMore) this.#isWanted = true;
    else if (this.#queue.some(({ event }) => !isOrdered(event))) {
      this.#queue = this.#queue.filter(({ event }) => isOrdered(event));
      this.request(UNORDERED_MS);
    }
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (this.#queue.length > 0 && !this.#isSyncing) {
      const pushes = this.#queue;
      this.#queue = [];
      try {
        await this.#transact(async (tx) => {
          for (const push of pushes) await this.#apply(tx, push);
        });
      } catch (error) {
        this.#deps.onError(error);
        this.request(GAP_MS); // they are not in; the sync brings what they said
      }
    }
    this.#isDraining = false;
  }

  async #transact(work: (tx: Transaction) => Promise<void>, era?: number): Promise<void> {
    const stale = await this.#deps.picture.transact(async (tx) => {
      await work(tx);
      return tx.stale;
    }, era);
    for (const id of stale) this.#stale.add(id);
    if (stale.size > 0) this.request(GAP_MS);
    this.#deps.onApplied();
  }

  async #apply(tx: Transaction, push: Push): Promise<void> {
    const me = this.#deps.me();
    switch (push.event) {
      case "message:new":
        return this.arrived(tx, push.payload);
      case "message:updated":
        return applyUpdated(tx, me, push.payload);
      case "conversation:updated":
        return this.#conversationUpdated(tx, push.payload);
      case "message:persisted": {
        const record = tx.conversation(push.payload.conversationId);
        if (record && record.persistedSeq < push.payload.upToSeq)
          tx.putConversation({ ...record, persistedSeq: push.payload.upToSeq });
        return;
      }
      case "receipt:read":
      case "receipt:delivered": {
        const record = tx.conversation(push.payload.conversationId);
        const kind = push.event === "receipt:read" ? "read" : "delivered";
        if (record && push.payload.userId !== me) tx.putConversation(receiptsOf(record, kind, push.payload.seq));
        return;
      }
      case "sync:needed":
        return this.request();
      default:
    }
  }

  /** Takes a message, and what waited for it. */
  arrived(tx: Transaction, message: Message): void {
    const { conversationId } = message;
    const ahead = this.#ahead.get(conversationId) ?? new Map<number, Message>();
    for (let next: Message | undefined = message; next; next = ahead.get(next.seq + 1)) {
      const arrival = applyNew(tx, this.#deps.me(), next);
      if (arrival === "unknown") return this.request();
      if (arrival === "gap") {
        this.#ahead.set(conversationId, ahead.set(next.seq, next));
        return this.request(GAP_MS);
      }
      ahead.delete(next.seq);
      if (ahead.size === 0) this.#ahead.delete(conversationId);
      if (arrival === "known") return;
    }
  }

  async #conversationUpdated(tx: Transaction, payload: ServerEventPayload<"conversation:updated">): Promise<void> {
    const me = this.#deps.me();
    const { conversationId, readSeq, clearedSeq, deleted, pinned, muted, hidden, draft } = payload;
    const record = tx.conversation(conversationId);
    if (!record) return this.request();
    const hasSettings = pinned !== undefined && muted !== undefined && hidden !== undefined && draft !== undefined;
    if (hasSettings && Number(payload.version) >= record.listVersion)
      tx.putConversation({
        ...record,
        listVersion: Number(payload.version),
        conversation: {
          ...record.conversation,
          ...{ pinned, muted, draft: record.untoldDraft ?? draft },
          hidden: hidden && record.conversation.maxSeq <= (payload.maxSeq ?? record.conversation.maxSeq),
        },
      });
    if (readSeq !== undefined) await applyRead(tx, me, conversationId, readSeq, true);
    if (clearedSeq !== undefined) await applyCleared(tx, me, conversationId, clearedSeq);
    if (deleted !== undefined) await applyDeleted(tx, me, conversationId, deleted);
    if (deleted !== undefined) await recount(tx, me, conversationId);
    if (!hasSettings && readSeq === undefined && clearedSeq === undefined && deleted === undefined) this.request();
  }
}

const asNew = (payload: Message): Push => ({ event: "message:new", payload });

/** What stays right when a sync overtook it: it only ever goes forward. */
const isOrdered = (event: ServerEventName): boolean =>
  ["message:new", "message:persisted", "receipt:read", "receipt:delivered"].includes(event);

function untoldOf({ conversations }: Picture): ReadonlyMap<string, ConversationRecord> {
  const isUntold = ({ conversation: { readSeq }, toldRead, untoldDraft }: ConversationRecord): boolean =>
    readSeq > toldRead || untoldDraft !== undefined;
  return new Map([...conversations].filter(([, record]) => isUntold(record)));
}

/** The marks of the conversations that are asked for: where there are too many, of those with the newest messages. */
function marksOf(picture: Picture, stale: ReadonlySet<string>, me: string): Record<string, number> {
  const at = ({ conversation }: ConversationRecord): number => conversation.lastMessage?.createdAt ?? 0;
  const records = [...picture.conversations.values()];
  const chosen =
    records.length > MAX_SYNC_CONVERSATIONS ? records.sort((a, b) => at(b) - at(a)).slice(0, MAX_SYNC_CONVERSATIONS) : records;
  return Object.fromEntries(
    chosen.map((record) => {
      const { conversationId } = record.conversation;
      return [conversationId, stale.has(conversationId) ? 0 : Math.max(0, record.mark - (isUnsettled(record, me) ? 1 : 0))];
    }),
  );
}

/** The last message is my own, and nobody has told yet that it is persisted: it is asked for again. */
const isUnsettled = (
  { conversation: { lastMessage }, mark, persistedSeq, othersDelivered }: ConversationRecord,
  me: string,
): boolean =>
  lastMessage?.senderId === me &&
  lastMessage.status === "accepted" &&
  lastMessage.seq === mark &&
  lastMessage.seq > Math.max(persistedSeq, othersDelivered, 1);
