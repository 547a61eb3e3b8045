import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { isImError } from "../../lib/errors.ts";
import { invalidField } from "../../lib/validation.ts";
import { viewMessages } from "./view.ts";
import { boundsFor, visibleMessage, type VisibleDeps } from "./visible.ts";

/**
 * Whether a thread can begin at this message: one of the conversation that the user can see, that is not recalled, no system
 * message, and itself in no thread.
 */
export async function isThreadRoot(
  deps: VisibleDeps,
  conversationId: string,
  messageId: string,
  userId: string,
): Promise<boolean> {
  const found = await visibleMessage(deps, messageId, userId).catch((error: unknown) => {
    if (isImError(error, "MESSAGE_NOT_FOUND")) return null;
    throw error;
  });
  if (found?.row.conversation_id !== conversationId) return false;
  const { recalled_at, type, thread_id } = found.row;
  return recalled_at === null && type !== "system" && thread_id === null;
}

/**
 * A page of what the user may see of a thread, ascending by seq, and the message at which it begins.
 * @throws VALIDATION, MESSAGE_NOT_FOUND
 */
export async function readThread(
  deps: VisibleDeps,
  userId: string,
  params: Params<"message.thread">,
): Promise<Result<"message.thread">> {
  const { messageId, afterSeq, beforeSeq, limit = DEFAULT_PAGE } = params;
  if (afterSeq !== undefined && beforeSeq !== undefined) throw invalidField("afterSeq", "cannot stand beside beforeSeq");
  const { row } = await visibleMessage(deps, messageId, userId);
  const conversationId = row.conversation_id;
  const sight = await boundsFor(deps, conversationId, userId);
  const { minSeq, maxSeq } = sight;
  const waiting = await deps.repository.tails([conversationId]);
  const page = {
    conversationId,
    threadId: messageId,
    viewer: userId,
    bounds: {
      minSeq: Math.max(minSeq, (afterSeq ?? 0) + 1),
      maxSeq: Math.min(maxSeq, (beforeSeq ?? Infinity) - 1),
    },
    direction: afterSeq === undefined ? "down" : "up",
    limit,
  } as const;
  const rows = await deps.repository.threads.page(page, waiting);
  const [root, ...items] = await viewMessages(deps.repository, conversationId, [row, ...rows], userId, sight, waiting);
  return { root: root!, items, minSeq, maxSeq };
}
