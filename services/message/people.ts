import type { Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { toMessage } from "./repository.ts";
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

/** A page of a user's own messages over all conversations, in the order of (conversationId, seq). */
export async function exportMessages(
  deps: VisibleDeps,
  { userId, after, limit }: Params<"message.exportOf">,
): Promise<Message[]> {
  const found: Message[] = [];
  const ids = await call(deps.calls, "conversation.idsOf", { userId });
  for (const conversationId of ids.filter((id) => after === undefined || id >= after.conversationId)) {
    const afterSeq = conversationId === after?.conversationId ? after.seq : 0;
    const rows = await deps.repository.sentBy(userId, conversationId, afterSeq, limit - found.length);
    found.push(...rows.map(toMessage));
    if (found.length >= limit) break;
  }
  return found;
}

/** The life of one message (E12): accepted, in the log, in the database, read, each with its time. null: nothing is known of it. */
export async function explainMessage(deps: VisibleDeps, messageId: string): Promise<Record<string, unknown> | null> {
  const [row, hot] = await Promise.all([deps.repository.byId(messageId), deps.conversations.find(messageId)]);
  if (!row && !hot) return null;
  const conversationId = row?.conversation_id ?? hot!.record.conversationId;
  const seq = Number(row?.seq ?? hot!.record.seq);
  const readers = row ? await call(deps.calls, "conversation.readersOf", { conversationId, seq }) : { read: [] };
  return {
    messageId,
    conversationId,
    seq,
    senderId: String(row?.sender_id ?? hot!.record.senderId),
    type: row?.type ?? hot!.record.type,
    persistStatus: row ? "PERSISTED" : hot!.persistStatus,
    acceptedAt: Number(row?.created_at ?? hot!.record.createdAt),
    loggedAt: hot?.loggedAt ?? (row ? Number(row.persisted_at) : null),
    persistedAt: row ? Number(row.persisted_at) : null,
    editedAt: row?.edited_at ?? null,
    recalledAt: row?.recalled_at ?? null,
    readBy: readers.read,
  };
}
