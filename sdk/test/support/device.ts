import type { Conversation, HistoryItem, Message } from "../../../contracts/entities.ts";
import type { Params, Result } from "../../../contracts/index.ts";
import { applyPage } from "../../src/core/apply-page.ts";
import { applyCleared, applyDeleted, applyNew, applyUpdated } from "../../src/core/apply.ts";
import { keepPage } from "../../src/core/keep-page.ts";
import { Picture } from "../../src/core/picture.ts";
import { memoryStore, type Store } from "../../src/index.ts";
import { View } from "../../src/view.ts";

/** The one conversation. */
export const ID = "d_1_2";
const ME = "1";
const me = { userId: ME } as NonNullable<View["me"]>;

/** A conversation as its server has it, for one user. */
export class Server {
  minSeq = 1;
  readonly #all: HistoryItem[] = [];
  readonly #deleted = new Set<number>();
  #maxSeq = 0;

  get maxSeq(): number {
    return this.#maxSeq;
  }

  get visible(): Message[] {
    return this.#all.filter((item): item is Message => item.type !== "void" && this.#isVisible(item));
  }

  add(count: number): Message[] {
    const added = Array.from({ length: count }, () => messageOf(++this.#maxSeq));
    this.#all.push(...added);
    return added;
  }

  addVoid(count: number): void {
    this.#all.push({ seq: this.#maxSeq + 1, toSeq: this.#maxSeq + count, type: "void" });
    this.#maxSeq += count;
  }

  edit(index: number, text: string): Message | null {
    const { visible } = this;
    const message = visible[index % Math.max(1, visible.length)];
    if (!message) return null;
    const edited = { ...message, content: { text }, editedAt: (message.editedAt ?? 0) + 1 };
    this.#all[this.#all.indexOf(message)] = edited;
    return edited;
  }

  delete(index: number): Message | null {
    const { visible } = this;
    const message = visible[index % Math.max(1, visible.length)] ?? null;
    if (message) this.#deleted.add(message.seq);
    return message;
  }

  page({ beforeSeq, afterSeq, aroundSeq, limit = 20 }: Params<"message.history">): Result<"message.history"> {
    const items = this.#all.filter((item) => this.#isVisible(item));
    const { minSeq, maxSeq } = this;
    const below = (seq: number): HistoryItem[] => items.filter((item) => item.seq < seq);
    const behind = (seq: number): HistoryItem[] => items.filter((item) => ("toSeq" in item ? item.toSeq : item.seq) > seq);
    if (beforeSeq !== undefined) return { items: below(beforeSeq).slice(-limit), minSeq, maxSeq };
    if (afterSeq !== undefined) return { items: behind(afterSeq).slice(0, limit), minSeq, maxSeq };
    if (aroundSeq === undefined) return { items: items.slice(-limit), minSeq, maxSeq };
    const half = Math.ceil(limit / 2);
    return { items: [...below(aroundSeq + 1).slice(-half), ...behind(aroundSeq).slice(0, half)], minSeq, maxSeq };
  }

  get conversation(): Conversation {
    const state = { unread: 0, mentioned: false, pinned: false, muted: false, hidden: false, draft: "" };
    const { maxSeq } = this;
    return { conversationId: ID, type: "direct", maxSeq, readSeq: maxSeq, lastMessage: this.visible.at(-1) ?? null, ...state };
  }

  #isVisible(item: HistoryItem): boolean {
    return item.seq >= this.minSeq && !this.#deleted.has(item.seq);
  }
}

const messageOf = (seq: number): Message => ({
  messageId: String(1_000 + seq),
  conversationId: ID,
  seq,
  senderId: seq % 3 === 0 ? ME : "2",
  clientMsgId: `c${seq}`,
  type: "text",
  content: { text: `message ${seq}` },
  createdAt: seq,
  status: "persisted",
});

/**
 * One device of the user, of which each reading of store and server is answered when `later` lets it. The view is that of a tab: it
 * is told at once what was stored, or when `tell` lets it.
 */
export class Device {
  readonly server = new Server();
  readonly store = memoryStore();
  readonly view: View;
  readonly picture: Picture;
  /** Until the view has heard all. */
  told: Promise<unknown> = Promise.resolve();

  constructor(later: <T>(read: Promise<T>) => Promise<T>, tell: (() => Promise<unknown>) | null = null) {
    const store: Store = Object.assign(Object.create(this.store) as Store, {
      get: (...row: Parameters<Store["get"]>) => later(this.store.get(...row)),
      list: (...range: Parameters<Store["list"]>) => later(this.store.list(...range)),
    });
    this.view = new View({
      store,
      history: (params) => later(Promise.resolve(this.server.page(params))),
      keep: (page) => void this.picture.transact((tx) => keepPage(tx, page)),
      onUser: () => undefined,
      onRead: () => undefined,
      onOnline: () => undefined,
    });
    this.picture = new Picture(this.store, (change) => {
      if (tell) this.told = Promise.all([this.told, tell()]).then(() => this.view.changed(change));
      else this.view.changed(change);
    });
  }

  /** A sync that says that the client has so much. */
  async sync(mark: number): Promise<void> {
    const behind = this.server.page({ conversationId: ID, afterSeq: mark, limit: 1_000 });
    const newest = this.server.page({ conversationId: ID, limit: 20 });
    const { items, minSeq, maxSeq } = mark > 0 ? behind : newest;
    const more = mark === 0 && this.server.page({ conversationId: ID, limit: 1_000 }).items.length > items.length;
    const rest = {
      changes: [],
      removed: [],
      version: "v",
      friendsVersion: "",
      groupsVersion: "",
      reset: false,
      nextCursor: null,
    };
    const page = { conversations: [this.server.conversation], messages: { [ID]: { items, minSeq, maxSeq, more } }, ...rest };
    const asked = { me: ME, marks: { [ID]: mark }, isNew: false, isFirstPage: true };
    await this.picture.transact((tx) => applyPage(tx, page, asked));
  }

  get mark(): number {
    return this.picture.conversations.get(ID)?.mark ?? 0;
  }

  async begin(count: number): Promise<void> {
    this.server.add(count);
    await this.sync(0);
    const connection = { state: "online", retryAt: null, refusal: null } as const;
    await this.view.begin({ connection, session: { me, reason: null } });
  }

  async push(): Promise<void> {
    const [message] = this.server.add(1);
    await this.picture.transact(async (tx) => void applyNew(tx, ME, message!));
  }

  async change(message: Message | null): Promise<void> {
    if (message) await this.picture.transact((tx) => applyUpdated(tx, ME, message));
  }

  async delete(message: Message | null): Promise<void> {
    if (message) await this.picture.transact((tx) => applyDeleted(tx, ME, ID, message.messageId));
  }

  async clear(): Promise<void> {
    const { maxSeq } = this.server;
    this.server.minSeq = maxSeq + 1;
    await this.picture.transact((tx) => applyCleared(tx, ME, ID, maxSeq));
  }
}
