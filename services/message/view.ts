import type { HistoryItem, Message, Reaction, ReplyPreview, ThreadSummary } from "../../contracts/entities.ts";
import { REACTION_USERS_SHOWN } from "../../contracts/limits.ts";
import { quotedWords } from "../../contracts/quotes.ts";
import type { BurnTime } from "../../mixins/burn-timers/index.ts";
import type { PinRepository, PinRow } from "./pin-repository.ts";
import type { MessageRepository } from "./repository.ts";
import { contentOf, toMessage, type Bounds, type MessageRow, type ReactionRow, type StoredReply } from "./rows.ts";
import type { ThreadRepository, Waiting } from "./thread-repository.ts";

/** What stands beside messages when they are shown. */
export interface ViewSource extends Pick<MessageRepository, "bySeqs" | "reactions"> {
  readonly pins: Pick<PinRepository, "at">;
  readonly threads: Pick<ThreadRepository, "summaries">;
  readonly burns: BurnTimes;
}
export interface BurnTimes {
  /** When messages at these places burn; those that wait for their reader are missing. */
  at(places: readonly (readonly [conversationId: string, seq: number])[]): Promise<BurnTime[]>;
}

/** Places of those that burn. */
export const burningAmong = (rows: readonly MessageRow[]): [conversationId: string, seq: number][] =>
  rows
    .filter(({ burn_after_ms, recalled_at }) => burn_after_ms !== null && recalled_at === null)
    .map(({ conversation_id, seq }) => [conversation_id, Number(seq)]);

/** The first words of a message, for a reply to it; "" when there are none (or no longer). */
export const previewOf = (row: MessageRow): string => quotedWords(contentOf(row));

export function replyTo(row: MessageRow): ReplyPreview {
  return {
    messageId: String(row.message_id),
    seq: Number(row.seq),
    senderId: String(row.sender_id),
    type: row.type,
    preview: previewOf(row),
  };
}

/** A reply's original where its words are not for whoever is shown the reply. */
export function withhold({ messageId, seq, senderId, type }: StoredReply): ReplyPreview {
  return { messageId, seq, senderId, type, preview: "", withheld: true };
}

/** @param viewer whose own reactions are marked; null for what everybody gets */
function groupReactions(rows: readonly ReactionRow[], viewer: string | null): Reaction[] {
  return [...Map.groupBy(rows, ({ emoji }) => emoji)].map(([emoji, of]) => {
    const userIds = of.map(({ user_id }) => String(user_id));
    const reaction: Reaction = { emoji, count: userIds.length, userIds: userIds.slice(0, REACTION_USERS_SHOWN) };
    if (viewer !== null) reaction.mine = userIds.includes(viewer);
    return reaction;
  });
}

/** What the message answers; null when it answers none. */
export const replyOf = (row: MessageRow): StoredReply | null =>
  row.reply_to === null ? null : (JSON.parse(row.reply_to) as StoredReply);

/** Ids of messages at which threads may begin. */
export const rootsAmong = (rows: readonly MessageRow[]): string[] =>
  rows.filter(({ thread_id, type }) => thread_id === null && type !== "system").map(({ message_id }) => String(message_id));

/** What a viewer can see of a conversation, and whether they are in it still. */
export interface Sight extends Bounds {
  /** Left out where all who are shown it are members. */
  readonly access?: { readonly isMember: boolean };
}

/**
 * Messages of one conversation as `viewer` sees them, with reactions, pins, threads and the previews of replies.
 * @param sight the words of messages before it are withheld where they are quoted, and threads are counted up to its end; who has
 * left is shown no pins: they are set, and taken away, later too
 * @param waiting what may not be in SQL yet of the conversation, where it was asked for before
 */
export async function viewMessages(
  repository: ViewSource,
  conversationId: string,
  rows: readonly MessageRow[],
  viewer: string | null,
  { minSeq, maxSeq, access }: Sight,
  waiting?: Waiting,
): Promise<Message[]> {
  const seqs = rows.map(({ seq }) => Number(seq));
  const [originals, reactions, pins, burnTimes, threads] = await Promise.all([
    repository.bySeqs(conversationId, answeredSeqs(rows, minSeq)),
    repository.reactions(conversationId, seqs),
    access?.isMember === false ? [] : repository.pins.at(seqs.map((seq) => [conversationId, seq])),
    repository.burns.at(burningAmong(rows)),
    repository.threads.summaries(viewer, [{ conversationId, threadIds: rootsAmong(rows), maxSeq }], waiting),
  ]);
  return assemble(rows, { originals, reactions, pins, burnTimes, threads, viewer, minSeq });
}

/** Seqs of the messages that these answer, and whose words may be shown to who can see from `minSeq` on. */
export function answeredSeqs(rows: readonly MessageRow[], minSeq: number): number[] {
  const replies = rows.map(replyOf);
  return [...new Set(replies.flatMap((reply) => (reply && reply.seq >= minSeq ? [reply.seq] : [])))];
}

/** What stands beside the messages of one conversation; rows of others may be among it. */
export interface Surroundings {
  readonly originals: readonly MessageRow[];
  readonly reactions: readonly ReactionRow[];
  readonly pins: readonly PinRow[];
  readonly burnTimes: readonly BurnTime[];
  /** By the messages at which they begin. */
  readonly threads: ReadonlyMap<string, ThreadSummary>;
  readonly viewer: string | null;
  readonly minSeq: number;
}

/** Messages of one conversation with what was read for them. */
export function assemble(rows: readonly MessageRow[], around: Surroundings): Message[] {
  const { originals, reactions, pins, burnTimes, threads, viewer, minSeq } = around;
  const originalBySeq = new Map(originals.map((row) => [Number(row.seq), row]));
  const reactionsBySeq = Map.groupBy(reactions, ({ seq }) => Number(seq));
  const pinnedAt = new Map(pins.map((pin) => [`${pin.conversation_id} ${pin.seq}`, Number(pin.pinned_at)]));
  const known = burnTimes.filter(({ isShown, readerId }) => isShown || readerId === viewer);
  const burnsAt = new Map(known.map((time) => [`${time.conversationId} ${time.seq}`, time.burnsAt]));
  return rows.map((row) => {
    const message = toMessage(row);
    const reply = replyOf(row);
    const original = reply ? originalBySeq.get(reply.seq) : undefined;
    if (reply) message.replyTo = quoteOf(reply, original, minSeq);
    const reacted = reactionsBySeq.get(Number(row.seq));
    if (reacted) message.reactions = groupReactions(reacted, viewer);
    const thread = threads.get(message.messageId);
    if (thread) message.thread = thread;
    const pinned = pinnedAt.get(`${message.conversationId} ${message.seq}`);
    if (pinned !== undefined) message.pinnedAt = pinned;
    const burning = burnsAt.get(`${message.conversationId} ${message.seq}`);
    if (burning !== undefined && row.recalled_at === null) message.burnsAt = burning;
    return message;
  });
}

/** What is shown of the message that one answers to somebody who can see from `minSeq` on. */
export function quoteOf(reply: StoredReply, original: MessageRow | undefined, minSeq: number): ReplyPreview {
  if (reply.seq < minSeq || (original?.burn_after_ms ?? null) !== null) return withhold(reply);
  return original ? replyTo(original) : { ...reply, preview: "" };
}

/** A page of history: seqs without a message are joined to ranges. */
export async function viewPage(
  repository: ViewSource,
  conversationId: string,
  rows: readonly MessageRow[],
  viewer: string,
  sight: Sight,
): Promise<HistoryItem[]> {
  return joinVoids(rows, await viewMessages(repository, conversationId, messagesAmong(rows), viewer, sight));
}

export const messagesAmong = (rows: readonly MessageRow[]): MessageRow[] => rows.filter(({ type }) => type !== "void");

/** The messages of a page in their places between ranges of voids. */
export function joinVoids(rows: readonly MessageRow[], messages: readonly Message[]): HistoryItem[] {
  const bySeq = new Map(messages.map((message) => [message.seq, message]));
  const items: HistoryItem[] = [];
  for (const row of rows) {
    const seq = Number(row.seq);
    const message = bySeq.get(seq);
    const last = items.at(-1);
    if (message) items.push(message);
    else if (last && "toSeq" in last && last.toSeq === seq - 1) last.toSeq = seq;
    else items.push({ seq, toSeq: seq, type: "void" });
  }
  return items;
}
