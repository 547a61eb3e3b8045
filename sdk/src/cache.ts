import type { Friend, Group } from "../../contracts/entities.ts";
import type { Change, ConversationRecord, OutboxRecord } from "./core/records.ts";
import { outgoingMessage, storedMessage } from "./local-message.ts";
import type { Store } from "./store/port.ts";
import type { LocalConversation, LocalMessage } from "./types.ts";

/** What a tab holds in memory: everything but messages. */
export class Cache {
  readonly records = new Map<string, ConversationRecord>();
  readonly outbox = new Map<string, OutboxRecord>();
  friends: readonly Friend[] = [];
  groups: readonly Group[] = [];
  readonly #views = new Map<string, LocalConversation>();
  #list: readonly LocalConversation[] | null = null;
  #me = "";

  setMe(me: string): void {
    this.#me = me;
    this.#views.clear();
    this.#list = null;
  }

  async load(store: Store): Promise<void> {
    const [records, outbox, friends, groups] = await Promise.all([
      store.list("conversations"),
      store.list("outbox"),
      store.list("friends"),
      store.list("groups"),
    ]);
    this.clear();
    for (const record of records as ConversationRecord[]) this.records.set(record.conversation.conversationId, record);
    for (const record of outbox as OutboxRecord[]) this.outbox.set(record.clientMsgId, record);
    this.friends = friends as Friend[];
    this.groups = groups as Group[];
  }

  /** @returns the conversations that look different now */
  apply(change: Change): Set<string> {
    const changed = new Set<string>();
    if (change.reset) {
      for (const id of this.records.keys()) changed.add(id);
      this.#forgetConversations();
    }
    for (const record of change.conversations ?? []) {
      changed.add(record.conversation.conversationId);
      this.records.set(record.conversation.conversationId, record);
    }
    for (const id of change.removedConversations ?? []) {
      changed.add(id);
      this.records.delete(id);
    }
    for (const record of change.outbox ?? []) {
      changed.add(record.draft.conversationId);
      this.outbox.set(record.clientMsgId, record);
    }
    for (const id of change.sent ?? []) {
      const record = this.outbox.get(id);
      if (record) changed.add(record.draft.conversationId);
      this.outbox.delete(id);
    }
    for (const id of changed) this.#views.delete(id);
    if (changed.size > 0) this.#list = null;
    return changed;
  }

  clear(): void {
    this.#forgetConversations();
    this.outbox.clear();
    this.friends = [];
    this.groups = [];
  }

  #forgetConversations(): void {
    this.records.clear();
    this.#views.clear();
    this.#list = null;
  }

  conversation(id: string): LocalConversation | null {
    const record = this.records.get(id);
    if (!record) return null;
    const known = this.#views.get(id);
    if (known) return known;
    const { lastMessage, ...conversation } = record.conversation;
    const stored = lastMessage && storedMessage(lastMessage, record, this.#me);
    const view = { ...conversation, lastMessage: this.#newest(this.outgoing(id), stored), active: record.active };
    this.#views.set(id, view);
    return view;
  }

  /** What is on its way comes after all there is; what failed stands where it was written. */
  #newest(outgoing: readonly LocalMessage[], stored: LocalMessage | null): LocalMessage | null {
    const sending = outgoing.findLast(({ state }) => state !== "failed");
    const failed = outgoing.at(-1);
    if (sending || !failed) return sending ?? stored;
    return stored && stored.createdAt > failed.createdAt ? stored : failed;
  }

  get list(): readonly LocalConversation[] {
    this.#list ??= [...this.records.keys()]
      .map((id) => this.conversation(id)!)
      .filter(({ hidden, lastMessage, pinned, draft }) => !hidden && (lastMessage !== null || pinned || draft !== ""))
      .sort(inListOrder);
    return this.#list;
  }

  /** What is on its way to a conversation, in its order. */
  outgoing(conversationId: string): LocalMessage[] {
    const records = [...this.outbox.values()].filter(({ draft }) => draft.conversationId === conversationId);
    return records.sort((a, b) => a.order - b.order).map((record) => outgoingMessage(record, this.#me));
  }
}

/** Pinned first, then by the newest message. */
function inListOrder(a: LocalConversation, b: LocalConversation): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  return (b.lastMessage?.createdAt ?? 0) - (a.lastMessage?.createdAt ?? 0) || (a.conversationId < b.conversationId ? -1 : 1);
}
