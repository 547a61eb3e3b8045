import type { HistoryItem, Message } from "../../contracts/entities.ts";
import { MAX_PAGE } from "../../contracts/limits.ts";
import type { ConversationRecord } from "./core/records.ts";
import type { LocalMessage } from "./types.ts";
import type { Store } from "./store/port.ts";

/** Of one page, as many as one may ask for. */
export const pageOf = (limit: number): number => Math.min(Math.max(1, limit), MAX_PAGE);

/** Bounds exclude themselves; `reverse` takes the last ones. */
export interface StoredRange {
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Messages of a conversation that are stored, always ascending by seq. */
export async function storedMessages(
  store: Pick<Store, "list">,
  conversationId: string,
  { after, before, ...rest }: StoredRange,
): Promise<Message[]> {
  const messages = (await store.list("messages", {
    prefix: [conversationId],
    ...(after !== undefined && { after: [conversationId, after] }),
    ...(before !== undefined && { before: [conversationId, before] }),
    ...rest,
  })) as Message[];
  return rest.reverse ? messages.reverse() : messages;
}

/**
 * Reads with the conversation's record as it is stored, which says what the store holds: it may be ahead of what was told here.
 * @param read gets null when there is none
 * @returns what was read, and whether the store still holds what that was read from
 */
export async function withRecord<T>(
  store: Pick<Store, "get">,
  conversationId: string,
  read: (record: ConversationRecord | null) => Promise<T>,
): Promise<readonly [found: T, isCurrent: boolean]> {
  const stored = async () => (await store.get("conversations", [conversationId])) as ConversationRecord | undefined;
  const record = (await stored()) ?? null;
  const found = await read(record);
  const now = await stored();
  return [found, !record || !now || now.from <= record.from];
}

/** Where messages that were read to the beginning of what is stored begin: some before may have been kept since. */
export const beginningOf = ({ from }: ConversationRecord, stored: readonly Message[]): number =>
  Math.min(from, stored[0]?.seq ?? from);

/** Of a page of the server: a message, not a range in which there is none. */
export const isMessage = (item: HistoryItem): item is Message => item.type !== "void";

/** The last seq that a page of the server covers; null when it is empty. */
export function endOf(items: readonly HistoryItem[]): number | null {
  const last = items.at(-1);
  return last ? ("toSeq" in last ? last.toSeq : last.seq) : null;
}

/** Of the newest messages, among which one that is on its way may be already. */
const NEWEST = 200;

/** What is on its way and not here already: the server's copy may come by another way first. */
export function notAmong(shown: readonly LocalMessage[], outgoing: LocalMessage[]): LocalMessage[] {
  if (outgoing.length === 0) return outgoing;
  const here = new Set(shown.slice(-NEWEST).map(({ key }) => key));
  return outgoing.filter(({ key }) => !here.has(key));
}
