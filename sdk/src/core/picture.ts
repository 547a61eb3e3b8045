import type { Message } from "../../../contracts/entities.ts";
import { ImError } from "../errors.ts";
import type { Operation, Store, Table } from "../store/port.ts";
import { requoteArrived } from "./apply-quotes.ts";
import { isOlder } from "./is-older.ts";
import type { Change, ConversationRecord, OutboxRecord } from "./records.ts";

/** Changes of messages that are not stored are remembered, so many of them. */
const UNKEPT = 1_000;

type Writable<T> = { -readonly [K in keyof T]?: T[K] extends readonly (infer V)[] | undefined ? V[] : T[K] };

/** What one device knows, held in memory but for the messages, which are in the store only. Changed by transactions. */
export class Picture {
  readonly conversations = new Map<string, ConversationRecord>();
  readonly outbox = new Map<string, OutboxRecord>();
  /** How messages that are not stored stood when they last changed, by id; null: gone. A page of them may be on its way. */
  readonly unkept = new Map<string, Message | null>();
  readonly store: Store;
  readonly #publish: (change: Change) => void;
  #last: Promise<unknown> = Promise.resolve();
  #era = 0;

  constructor(store: Store, publish: (change: Change) => void) {
    this.store = store;
    this.#publish = publish;
  }

  async load(): Promise<void> {
    const [conversations, outbox] = await Promise.all([this.store.list("conversations"), this.store.list("outbox")]);
    this.conversations.clear();
    this.outbox.clear();
    for (const record of conversations as ConversationRecord[])
      this.conversations.set(record.conversation.conversationId, record);
    for (const record of (outbox as OutboxRecord[]).sort((a, b) => a.order - b.order))
      this.outbox.set(record.clientMsgId, record);
  }

  /** Another one begins with each sign-in and sign-out. */
  get era(): number {
    return this.#era;
  }

  /** What was begun until now changes nothing any more: it may be of another user. */
  endEra(): void {
    this.#era++;
  }

  /**
   * One change at a time: what `work` puts is written as a whole, then known here, then told. When it throws, or the store
   * refuses, nothing has changed.
   * @param era in which it was begun
   * @throws ImError with code 0 when that is over
   */
  transact<T>(work: (tx: Transaction) => Promise<T>, era = this.#era): Promise<T> {
    const run = this.#last.then(async () => {
      if (era !== this.#era) throw new ImError(0, "Signed in or out meanwhile");
      const tx = new Transaction(this);
      const result = await work(tx);
      await tx.commit(this.#publish);
      return result;
    });
    this.#last = run.catch(() => undefined);
    return run;
  }
}

/** Reads what is there with what it has put on top. */
export class Transaction {
  readonly change: Writable<Change> = {};
  /** Conversations of which the server has to say anew how they stand. */
  readonly stale = new Set<string>();
  readonly #picture: Picture;
  readonly #operations: Operation[] = [];
  readonly #conversations = new Map<string, ConversationRecord | null>();
  readonly #outbox = new Map<string, OutboxRecord | null>();
  /** Of each conversation the messages that were put (null: deleted) and below or instead of what they were put. */
  readonly #messages = new Map<string, { minSeq: number; replaced: boolean; bySeq: Map<number, Message | null> }>();
  #isReset = false;

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  /** Forgets everything but what is on its way. */
  reset(): void {
    this.#isReset = true;
    this.change.reset = true;
    for (const table of ["conversations", "messages", "friends", "groups"] as const) this.#operations.push({ table, clear: [] });
    for (const version of ["version", "friendsVersion", "groupsVersion"]) this.put("meta", version, undefined);
    for (const id of this.#picture.conversations.keys()) this.#conversations.set(id, null);
    for (const overlay of this.#messages.values()) {
      overlay.replaced = true;
      overlay.bySeq.clear();
    }
  }

  /** How a message that was fetched stands by now; null: gone. */
  newest(message: Message): Message | null {
    const changed = this.#picture.unkept.get(message.messageId);
    return changed === undefined || (changed && isOlder(changed, message)) ? message : changed;
  }

  conversation(id: string): ConversationRecord | null {
    const own = this.#conversations.get(id);
    return own === undefined ? (this.#picture.conversations.get(id) ?? null) : own;
  }

  conversationIds(): string[] {
    const ids = new Set(this.#picture.conversations.keys());
    for (const [id, record] of this.#conversations) {
      if (record) ids.add(id);
      else ids.delete(id);
    }
    return [...ids];
  }

  putConversation(record: ConversationRecord): void {
    this.#conversations.set(record.conversation.conversationId, record);
  }

  outbox(clientMsgId: string): OutboxRecord | null {
    const own = this.#outbox.get(clientMsgId);
    return own === undefined ? (this.#picture.outbox.get(clientMsgId) ?? null) : own;
  }

  /** Forgets those that the server has at a seq up to which all is here: they came, or were deleted for the user. */
  dropArrived(conversationId: string, mark: number): void {
    const ids = new Set([...this.#picture.outbox.keys(), ...this.#outbox.keys()]);
    for (const id of ids) {
      const record = this.outbox(id);
      if (record?.accepted && record.draft.conversationId === conversationId && record.accepted.seq <= mark) this.dropOutbox(id);
    }
  }

  putOutbox(record: OutboxRecord): void {
    this.#outbox.set(record.clientMsgId, record);
    this.#operations.push({ table: "outbox", key: [record.clientMsgId], put: record });
  }

  dropOutbox(clientMsgId: string): void {
    this.#outbox.set(clientMsgId, null);
    this.#operations.push({ table: "outbox", delete: [clientMsgId] });
  }

  put(table: Exclude<Table, "conversations" | "messages" | "outbox">, key: string, value: unknown): void {
    this.#operations.push(value === undefined ? { table, delete: [key] } : { table, key: [key], put: value });
  }

  clearRoster(table: "friends" | "groups"): void {
    this.#operations.push({ table, clear: [] });
  }

  putMessage(message: Message, isNews = false): void {
    const { conversationId, seq } = message;
    this.#overlay(conversationId).bySeq.set(seq, message);
    this.#operations.push({ table: "messages", key: [conversationId, seq], put: message });
    (this.change.messages ??= []).push(message);
    if (isNews) (this.change.news ??= []).push(message);
  }

  deleteMessage({ conversationId, messageId, seq }: Pick<Message, "conversationId" | "messageId" | "seq">): void {
    this.#overlay(conversationId).bySeq.set(seq, null);
    this.#operations.push({ table: "messages", delete: [conversationId, seq] });
    (this.change.deleted ??= []).push({ conversationId, messageId, seq });
  }

  /** Forgets what is stored of a conversation, since a newer stretch takes its place. */
  replaceMessages(conversationId: string): void {
    const overlay = this.#overlay(conversationId);
    overlay.replaced = true;
    overlay.bySeq.clear();
    this.#operations.push({ table: "messages", clear: [conversationId] });
    (this.change.replaced ??= []).push(conversationId);
  }

  /** Forgets messages below a seq. */
  async trim(conversationId: string, minSeq: number): Promise<void> {
    const below = await this.messages(conversationId, 0, minSeq);
    const overlay = this.#overlay(conversationId);
    overlay.minSeq = Math.max(overlay.minSeq, minSeq);
    for (const { seq } of below) {
      overlay.bySeq.delete(seq);
      this.#operations.push({ table: "messages", delete: [conversationId, seq] });
    }
    (this.change.trimmed ??= []).push({ conversationId, minSeq });
  }

  /** Messages between two seqs, which exclude themselves, ascending. */
  async messages(conversationId: string, after: number, before = Number.MAX_SAFE_INTEGER): Promise<Message[]> {
    const overlay = this.#messages.get(conversationId);
    const stored =
      this.#isReset || overlay?.replaced
        ? []
        : ((await this.#picture.store.list("messages", {
            prefix: [conversationId],
            after: [conversationId, after],
            before: [conversationId, before],
          })) as Message[]);
    if (!overlay) return stored;
    const bySeq = new Map(stored.map((message) => [message.seq, message]));
    for (const [seq, message] of overlay.bySeq) {
      if (message === null) bySeq.delete(seq);
      else if (seq > after && seq < before) bySeq.set(seq, message);
    }
    return [...bySeq.values()].filter(({ seq }) => seq >= overlay.minSeq).sort((a, b) => a.seq - b.seq);
  }

  async message(conversationId: string, seq: number): Promise<Message | null> {
    const overlay = this.#messages.get(conversationId);
    const own = overlay?.bySeq.get(seq);
    if (own !== undefined) return own;
    if (this.#isReset || overlay?.replaced || (overlay && seq < overlay.minSeq)) return null;
    return ((await this.#picture.store.get("messages", [conversationId, seq])) as Message | undefined) ?? null;
  }

  async commit(publish: (change: Change) => void): Promise<void> {
    if (this.change.messages?.some(({ replyTo }) => replyTo)) await requoteArrived(this);
    this.#finish();
    if (this.#operations.length > 0) await this.#picture.store.write(this.#operations);
    for (const [id, record] of this.#conversations) {
      if (record) this.#picture.conversations.set(id, record);
      else this.#picture.conversations.delete(id);
    }
    for (const [id, record] of this.#outbox) {
      if (record) this.#picture.outbox.set(id, record);
      else this.#picture.outbox.delete(id);
    }
    this.#remember();
    if (Object.keys(this.change).length > 0) publish(this.change as Change);
  }

  #remember(): void {
    const { unkept } = this.#picture;
    if (this.#isReset) unkept.clear();
    const changed = [...(this.change.seen ?? []).map((message) => [message.messageId, message] as const)];
    const gone = (this.change.deleted ?? []).map(({ messageId }) => [messageId, null] as const);
    for (const [messageId, message] of [...changed, ...gone]) {
      unkept.delete(messageId);
      unkept.set(messageId, message);
    }
    for (const messageId of unkept.keys()) {
      if (unkept.size <= UNKEPT) return;
      unkept.delete(messageId);
    }
  }

  #finish(): void {
    for (const [id, record] of this.#conversations) {
      if (record) {
        this.#operations.push({ table: "conversations", key: [id], put: record });
        (this.change.conversations ??= []).push(record);
      } else if (!this.#isReset) {
        this.#operations.push({ table: "conversations", delete: [id] });
        (this.change.removedConversations ??= []).push(id);
      }
    }
    for (const [id, record] of this.#outbox) {
      if (record) (this.change.outbox ??= []).push(record);
      else (this.change.sent ??= []).push(id);
    }
  }

  #overlay(conversationId: string) {
    let overlay = this.#messages.get(conversationId);
    if (!overlay) this.#messages.set(conversationId, (overlay = { minSeq: 0, replaced: false, bySeq: new Map() }));
    return overlay;
  }
}
