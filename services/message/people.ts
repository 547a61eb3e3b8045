import { setImmediate } from "node:timers/promises";
import type { Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { MessageRepository } from "./repository.ts";
import { toMessage, type MessageRow } from "./rows.ts";
import { visibleMessage, type VisibleDeps } from "./visible.ts";

/**
 * Who has read a message and who has not, without its sender and without those who hide it.
 * @throws MESSAGE_NOT_FOUND, GROUP_NOT_FOUND for whoever has left: what others read later is not theirs to see, TOO_MANY_READERS
 */
export async function readReaders(
  deps: VisibleDeps,
  { messageId, userId }: { messageId: string; userId: string },
): Promise<Result<"message.readers">> {
  const { row, access } = await visibleMessage(deps, messageId, userId);
  if (!access.isMember) throw imError("GROUP_NOT_FOUND");
  const parsed = parseConversationId(row.conversation_id);
  if (
    parsed?.type === "group" &&
    (await call(deps.calls, "group.memberCount", { groupId: parsed.groupId })) > MAX_READERS_GROUP
  ) {
    throw imError("TOO_MANY_READERS", { maxMembers: MAX_READERS_GROUP });
  }
  const { read, unread } = await call(deps.calls, "conversation.readersOf", {
    conversationId: row.conversation_id,
    seq: Number(row.seq),
  });
  const senderId = String(row.sender_id);
  return { read: read.filter((reader) => reader.userId !== senderId), unread: unread.filter((id) => id !== senderId) };
}

/** Seqs of one statement: few enough that nobody is held up by it, even when none of them is the user's. */
const EXPORT_RANGE = 2_000;

/** A page of a user's own messages over all conversations, in the order of (conversationId, seq); a short one is the last. */
export async function exportMessages(
  deps: Pick<VisibleDeps, "repository" | "calls">,
  { userId, after, limit }: Params<"message.exportOf">,
): Promise<Message[]> {
  const found: MessageRow[] = [];
  const ids = await call(deps.calls, "conversation.idsOf", { userId });
  for (const conversationId of ids.filter((id) => after === undefined || id >= after.conversationId)) {
    let afterSeq = conversationId === after?.conversationId ? after.seq : 0;
    while (found.length < limit) {
      const rows = await rowsBehind(deps.repository, userId, { conversationId, afterSeq, limit: limit - found.length });
      if (rows.length === 0) break;
      found.push(...rows);
      afterSeq = Number(rows.at(-1)!.seq);
      await setImmediate(); // whoever else waits has their turn
    }
    if (found.length >= limit) break;
  }
  return found.map(toMessage);
}

/** Some of the user's next messages in a conversation; none at its end. */
async function rowsBehind(
  repository: MessageRepository,
  userId: string,
  { conversationId, afterSeq, limit }: { conversationId: string; afterSeq: number; limit: number },
): Promise<MessageRow[]> {
  const within = (after: number): Promise<MessageRow[]> =>
    repository.sentWithin(userId, conversationId, { after, upTo: after + EXPORT_RANGE, limit });
  const near = await within(afterSeq);
  if (near.length > 0) return near;
  const next = await repository.nextSent(userId, conversationId, afterSeq);
  return next === null ? [] : within(next - 1);
}

/** The life of one message (E12): accepted, in the log, in the database, read, each with its time. null: nothing is known of it. */
export async function explainMessage(deps: VisibleDeps, messageId: string): Promise<Record<string, unknown> | null> {
  const [row, hot] = await Promise.all([deps.repository.byId(messageId), deps.conversations.find(messageId)]);
  if (!row && !hot) return null;
  const conversationId = row?.conversation_id ?? hot!.record.conversationId;
  const seq = Number(row?.seq ?? hot!.record.seq);
  const persistedAt = row && row.persisted_at !== null ? Number(row.persisted_at) : null;
  const readers = row ? await call(deps.calls, "conversation.readersOf", { conversationId, seq }) : { read: [] };
  return {
    messageId,
    conversationId,
    seq,
    senderId: String(row?.sender_id ?? hot!.record.senderId),
    type: row?.type ?? hot!.record.type,
    persistStatus: persistedAt === null ? "PENDING" : "PERSISTED",
    acceptedAt: Number(row?.created_at ?? hot!.record.createdAt),
    loggedAt: hot?.loggedAt ?? persistedAt,
    persistedAt,
    editedAt: row?.edited_at ?? null,
    recalledAt: row?.recalled_at ?? null,
    readBy: readers.read,
  };
}
