import type { HistoryItem, Message } from "../../../contracts/entities.ts";
import type { Device, MessageRef, View } from "../device.ts";
import type { Followed } from "../final-state.ts";
import { seqsOf } from "../checkers/views.ts";

/** A push that is missing has so long to come before it is read instead. */
const GAP_MS = 300;
const PAGE = 100;
/** Of one's own newest messages, what may still be changed. */
const REMEMBERED = 20;

interface Page {
  readonly items: readonly HistoryItem[];
  readonly minSeq: number;
  readonly maxSeq: number;
}
interface Conversation {
  /** Up to here nothing is missing. */
  mark: number;
  readonly messages: Map<number, string>;
  readonly own: MessageRef[];
  gap: NodeJS.Timeout | null;
  reading: Promise<boolean> | null;
}

/**
 * What a careful client knows: pushes are hints, a gap in the seqs and a new connection make it read what it missed, and what
 * it had without a gap it never reads again.
 */
export class Follower implements View {
  readonly #device: Device;
  readonly #conversations: ReadonlyMap<string, Conversation>;

  constructor(device: Device, conversationIds: readonly string[]) {
    this.#device = device;
    const empty = (): Conversation => ({ mark: 0, messages: new Map(), own: [], gap: null, reading: null });
    this.#conversations = new Map(conversationIds.map((conversationId) => [conversationId, empty()]));
  }

  take(event: string, payload: Readonly<Record<string, unknown>>): void {
    if (event === "message:new") this.#add(payload as unknown as Message);
  }

  sent(message: Pick<Message, "conversationId" | "messageId" | "seq">): void {
    const own = this.#conversations.get(message.conversationId)?.own;
    own?.push(message);
    if (own && own.length > REMEMBERED) own.shift();
    this.#add(message);
  }

  /** Reads in the background: a client may send meanwhile. */
  async connected(): Promise<void> {
    void this.catchUp();
  }

  /** One's own messages of a conversation, the newest last. */
  ownOf(conversationId: string): readonly MessageRef[] {
    return this.#conversations.get(conversationId)?.own ?? [];
  }

  /** The seq of the newest message that one knows without a gap before it, or has sent oneself. */
  newestOf(conversationId: string): number {
    const conversation = this.#conversations.get(conversationId);
    return Math.max(conversation?.mark ?? 0, conversation?.own.at(-1)?.seq ?? 0);
  }

  /** What one changed may not be changed again. */
  forget({ conversationId, messageId }: MessageRef): void {
    const own = this.#conversations.get(conversationId)?.own ?? [];
    const at = own.findIndex((one) => one.messageId === messageId);
    if (at >= 0) own.splice(at, 1);
  }

  /** Reads what may be missing in all conversations. @returns false when something could not be read */
  async catchUp(): Promise<boolean> {
    const all = await Promise.all([...this.#conversations.keys()].map((conversationId) => this.#read(conversationId)));
    return all.every(Boolean);
  }

  knows(): Followed[] {
    const { userId, name: device } = this.#device;
    return [...this.#conversations].map(([conversationId, { mark, messages }]) => ({
      ...{ userId, device, conversationId, mark, messages },
    }));
  }

  #add({ conversationId, messageId, seq }: Pick<Message, "conversationId" | "messageId" | "seq">): void {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) return;
    conversation.messages.set(seq, messageId);
    while (conversation.messages.has(conversation.mark + 1)) conversation.mark++;
    if (seq <= conversation.mark || conversation.gap) return;
    conversation.gap = setTimeout(() => {
      conversation.gap = null;
      if (Math.max(...conversation.messages.keys()) > conversation.mark) void this.#read(conversationId);
    }, GAP_MS).unref();
  }

  /** One reading of a conversation at a time; who comes meanwhile gets a reading of their own after it. */
  async #read(conversationId: string): Promise<boolean> {
    const conversation = this.#conversations.get(conversationId)!;
    while (conversation.reading) await conversation.reading;
    conversation.reading = this.#readPages(conversationId, conversation).finally(() => (conversation.reading = null));
    return conversation.reading;
  }

  async #readPages(conversationId: string, conversation: Conversation): Promise<boolean> {
    for (let after = conversation.mark; ;) {
      const path = `/messages/conversations/${conversationId}/history?limit=${PAGE}&afterSeq=${after}`;
      const deed = { kind: "request", conversationId: "", what: "what was missed" } as const;
      const { code, data } = await this.#device.do(deed, (rest) => rest.get(path));
      if (code !== 0) return false;
      const { items, maxSeq } = data as Page;
      for (const item of items) if ("messageId" in item) conversation.messages.set(item.seq, item.messageId);
      const last = Math.max(after, ...seqsOf(items));
      // Only behind the last item is nothing left to be seen: what one deleted oneself leaves no item, many voids leave one.
      const isLast = items.length === 0 || last >= maxSeq;
      conversation.mark = Math.max(conversation.mark, isLast ? maxSeq : last);
      while (conversation.messages.has(conversation.mark + 1)) conversation.mark++;
      if (isLast) return true;
      after = last;
    }
  }
}
