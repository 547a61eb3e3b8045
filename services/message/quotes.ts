import type { Message, ReplyPreview } from "../../contracts/entities.ts";
import { isImError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { MessageRow, StoredReply } from "./rows.ts";
import { quoteOf, replyOf, viewMessages, withhold } from "./view.ts";
import { boundsFor, visibleMessage, type VisibleDeps } from "./visible.ts";

/** What a new message keeps of the one it answers; null when the user can see none such in the conversation, or it is recalled. */
export async function quotedMessage(
  deps: VisibleDeps,
  conversationId: string,
  messageId: string,
  userId: string,
): Promise<ReplyPreview | null> {
  const found = await visibleMessage(deps, messageId, userId).catch((error: unknown) => {
    if (isImError(error, "MESSAGE_NOT_FOUND")) return null;
    throw error;
  });
  if (found?.row.conversation_id !== conversationId || found.row.recalled_at !== null) return null;
  const { message_id, seq, sender_id, type } = found.row;
  return withhold({ messageId: String(message_id), seq: Number(seq), senderId: String(sender_id), type });
}

/**
 * What a push to a whole conversation shows of the message that one answers: its words when everybody can see it. Newcomers,
 * and who has cleared their history, cannot see what is older.
 * @param except members who do not get the push
 */
export async function quoteForAll(
  { repository, calls }: Pick<VisibleDeps, "repository" | "calls">,
  conversationId: string,
  reply: StoredReply,
  except: readonly string[] = [],
): Promise<ReplyPreview> {
  const [original] = await repository.bySeqs(conversationId, [reply.seq]);
  // Asked last: who joins later is not there yet.
  const blind = await call(calls, "conversation.blindTo", { conversationId, seq: reply.seq, limit: except.length + 1 });
  const untold = new Set(except);
  return blind.every((userId) => untold.has(userId)) ? quoteOf(reply, original, 0) : withhold(reply);
}

/** A message as `viewer`, who can see it, sees it. */
export async function viewFor(deps: VisibleDeps, row: MessageRow, viewer: string): Promise<Message> {
  const bounds = await boundsFor(deps, row.conversation_id, viewer);
  const [message] = await viewMessages(deps.repository, row.conversation_id, [row], viewer, bounds);
  return message!;
}

/** A message as a push shows it to everybody in its conversation but these members, to whom it is not pushed. */
export async function viewForAll(
  deps: Pick<VisibleDeps, "repository" | "calls">,
  row: MessageRow,
  except: readonly string[],
): Promise<Message> {
  const [message] = await viewMessages(deps.repository, row.conversation_id, [row], null, { minSeq: Infinity, maxSeq: Infinity });
  const reply = replyOf(row);
  if (reply) message!.replyTo = await quoteForAll(deps, row.conversation_id, reply, except);
  return message!;
}
