import type { Message } from "../../contracts/entities.ts";

/** What a device keeps of a message. */
export type Kept = Pick<Message, "messageId" | "seq" | "senderId" | "content" | "recalledAt" | "editedAt"> & {
  readonly reactions: readonly { emoji: string; count: number; userIds: string[] }[];
};

export function keep({ messageId, seq, senderId, content, recalledAt, editedAt, reactions = [] }: Message): Kept {
  return {
    messageId,
    seq,
    senderId,
    content,
    ...(recalledAt !== undefined && { recalledAt }),
    ...(editedAt !== undefined && { editedAt }),
    reactions: reactions.map(({ emoji, count, userIds }) => ({ emoji, count, userIds })),
  };
}

interface Loaded {
  readonly messages: readonly Message[];
  readonly minSeq: number;
  /** All up to here that may be seen is among the messages. */
  readonly maxSeq: number;
}
/** An answer to a sender, beside the names of pushes. */
const OWN = "own message";
type Pushed = Readonly<Record<string, unknown>>;

/**
 * What one device shows: what it read when it connected, and what was pushed to it since. A simple client, which replaces a
 * message by what `message:updated` says of it, reads a conversation again only when it joined it, and believes nothing more
 * of one that it left.
 */
export class Picture {
  readonly #userId: string;
  readonly #conversations = new Map<string, Map<number, Kept>>();
  /** Pushes that came while a conversation was being read; they apply to what was read. */
  readonly #held = new Map<string, { event: string; payload: Pushed }[]>();
  readonly #minSeqs = new Map<string, number>();
  /** How far a conversation was read. */
  readonly #readTo = new Map<string, number>();
  /** Messages that are never shown again, whatever comes late. */
  readonly #deleted = new Set<string>();
  readonly #left = new Set<string>();
  /** What became of messages whose sending is not known to be answered yet, by message id. */
  readonly #early = new Map<string, Kept>();
  readonly #read: (conversationId: string) => Promise<Loaded>;
  #reading: Promise<void> = Promise.resolve();

  constructor(userId: string, read: (conversationId: string) => Promise<Loaded>) {
    this.#userId = userId;
    this.#read = read;
  }

  of(conversationId: string): Kept[] {
    return [...(this.#conversations.get(conversationId)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  async connected(conversationIds: readonly string[]): Promise<void> {
    for (const conversationId of conversationIds) void this.load(conversationId);
    await this.idle();
  }

  /** Reads a conversation from the server; one reading after the other. */
  load(conversationId: string): Promise<void> {
    this.#reading = this.#reading.then(() => this.#load(conversationId));
    return this.#reading;
  }

  /** Resolves when nothing is being read. */
  async idle(): Promise<void> {
    for (let before: Promise<void> | null = null; before !== this.#reading;) await (before = this.#reading);
  }

  async #load(conversationId: string): Promise<void> {
    this.#held.set(conversationId, []);
    const { messages, minSeq, maxSeq } = await this.#read(conversationId);
    this.#minSeqs.set(conversationId, minSeq);
    this.#readTo.set(conversationId, maxSeq);
    const move = messages.findLast((message) => this.#movesMe(message) !== null);
    // Who sees what came behind their leaving is back, though they may have deleted the message that says so.
    if (move && this.#movesMe(move) === "left" && move.seq >= maxSeq) this.#left.add(conversationId);
    else this.#left.delete(conversationId);
    // Who is being let in or shut out may have heard more than they could read a moment ago, or read more than they may now.
    const heard = [...this.#messagesOf(conversationId)].filter(([seq]) => seq > maxSeq);
    const read = messages.map((message): [number, Kept] => [message.seq, keep(message)]);
    this.#conversations.set(conversationId, new Map([...read, ...heard].filter(([seq]) => seq >= minSeq)));
    const held = this.#held.get(conversationId)!;
    this.#held.delete(conversationId);
    for (const { event, payload } of held) this.take(event, payload);
  }

  /**
   * What the device itself has sent, from the answer; it counts although a push of what came after it was faster. The answer to a
   * repeated sending shows nothing again that was not there any more when the device read.
   */
  sent(message: Pick<Message, "conversationId" | "messageId" | "seq" | "senderId" | "content">): void {
    this.take(OWN, message);
  }

  take(event: string, payload: Pushed): void {
    const { conversationId } = payload as { conversationId?: string };
    if (conversationId === undefined) return;
    const held = this.#held.get(conversationId);
    if (held) {
      held.push({ event, payload });
      return;
    }
    if (event === "message:new" || event === OWN) this.#add(payload as unknown as Message, event === OWN);
    else if (event === "message:updated") this.#replace(payload as unknown as Message);
    else if (event === "conversation:updated") this.#remove(conversationId, payload as { deleted?: string; clearedSeq?: number });
  }

  #add(message: Message, isOwn: boolean): void {
    const { conversationId, seq, messageId } = message;
    if (this.#deleted.has(messageId) || (isOwn && seq <= (this.#readTo.get(conversationId) ?? 0))) return;
    const moved = this.#movesMe(message);
    if (moved === "joined") this.#left.delete(conversationId);
    if ((this.#left.has(conversationId) && !isOwn) || seq < (this.#minSeqs.get(conversationId) ?? 0)) return;
    const known = this.#messagesOf(conversationId);
    if (!known.has(seq)) known.set(seq, this.#early.get(messageId) ?? keep(message));
    if (moved === "left") this.#left.add(conversationId);
    if (moved === "joined") void this.load(conversationId);
  }

  #movesMe({ type, content }: Message): "joined" | "left" | null {
    const { event = "", userIds } = content as { event?: string; userIds?: string[] };
    if (type !== "system" || !userIds?.includes(this.#userId)) return null;
    if (event === "member.joined") return "joined";
    return event === "member.left" || event === "member.removed" ? "left" : null;
  }

  #replace(message: Message): void {
    const known = this.#messagesOf(message.conversationId);
    if (known.has(message.seq)) known.set(message.seq, keep(message));
    else this.#early.set(message.messageId, keep(message));
  }

  #remove(conversationId: string, { deleted = "", clearedSeq = 0 }: { deleted?: string; clearedSeq?: number }): void {
    const known = this.#messagesOf(conversationId);
    this.#deleted.add(deleted);
    this.#minSeqs.set(conversationId, Math.max(clearedSeq + 1, this.#minSeqs.get(conversationId) ?? 0));
    for (const [seq, { messageId }] of known) if (seq <= clearedSeq || messageId === deleted) known.delete(seq);
  }

  #messagesOf(conversationId: string): Map<number, Kept> {
    let known = this.#conversations.get(conversationId);
    if (!known) this.#conversations.set(conversationId, (known = new Map<number, Kept>()));
    return known;
  }
}
