import type { Result } from "../../contracts/index.ts";
import { isImError, imError } from "../../lib/errors.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { HotConversations } from "../../mixins/hot-store/port.ts";
import type { LiveMessages } from "./live-messages.ts";
import type { Bounds, MessageRow } from "./rows.ts";

export type Access = Result<"conversation.access">;

export interface VisibleDeps {
  readonly repository: LiveMessages;
  readonly conversations: HotConversations;
  readonly calls: Calls;
}

/** Highest seq up to which everything is stored. */
export async function stableSeq({ repository, conversations }: VisibleDeps, conversationId: string): Promise<number> {
  const stable = (await conversations.stableSeqs([conversationId])).get(conversationId);
  return stable ?? (await repository.head(conversationId, null)).seq;
}

/** What a user may see of a conversation. @throws the 404 of its kind for an outsider */
export async function boundsFor(deps: VisibleDeps, conversationId: string, userId: string): Promise<Bounds & { access: Access }> {
  const access = await call(deps.calls, "conversation.access", { conversationId, userId });
  const stable = await stableSeq(deps, conversationId);
  return { minSeq: access.minSeq, maxSeq: access.maxSeq === null ? stable : Math.min(access.maxSeq, stable), access };
}

/** A message that the user can see. @throws MESSAGE_NOT_FOUND, also when it exists but is not for them */
export async function visibleMessage(
  deps: VisibleDeps,
  messageId: string,
  userId: string,
): Promise<{ row: MessageRow; access: Access }> {
  const row = await deps.repository.byId(messageId);
  if (!row) throw imError("MESSAGE_NOT_FOUND");
  const bounds = await outsiderSeesNothing(boundsFor(deps, row.conversation_id, userId));
  const seq = Number(row.seq);
  const isHidden =
    seq < bounds.minSeq || seq > bounds.maxSeq || (await deps.repository.isHidden(userId, row.conversation_id, seq));
  if (isHidden) throw imError("MESSAGE_NOT_FOUND");
  return { row, access: bounds.access };
}

/**
 * As `visibleMessage`, for who is about to change it: it waits for a message that is still on its way to SQL.
 * @throws MESSAGE_NOT_FOUND; UNAVAILABLE when the message does not get there
 */
export async function storedMessage(
  deps: VisibleDeps,
  messageId: string,
  userId: string,
): Promise<{ row: MessageRow; access: Access }> {
  const { row, access } = await visibleMessage(deps, messageId, userId);
  return { row: await deps.repository.stored(row), access };
}

async function outsiderSeesNothing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isImError(error, "CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND") ? imError("MESSAGE_NOT_FOUND") : error;
  }
}

/** Loads the conversation when it is cold. null: no member */
export async function hotMember(deps: VisibleDeps, conversationId: string, userId: string) {
  for (let round = 0; round < 5; round++) {
    const member = await deps.conversations.member(conversationId, userId);
    if (member !== "cold") return member;
    if (!(await call(deps.calls, "conversation.warm", { conversationId }))) return null;
  }
  throw imError("UNAVAILABLE");
}

/**
 * Whether the user may still write into the conversation: changing what was said is writing too.
 * @throws GROUP_NOT_FOUND, CONVERSATION_NOT_FOUND, CANNOT_MESSAGE, BLOCKED_BY_YOU, MUTED
 */
export async function checkMayWrite(deps: VisibleDeps, conversationId: string, userId: string, now: number): Promise<void> {
  const member = await hotMember(deps, conversationId, userId);
  if (!member) throw imError(conversationId.startsWith("g_") ? "GROUP_NOT_FOUND" : "CONVERSATION_NOT_FOUND");
  if (member.refusal) throw imError(member.refusal);
  if ((member.mutedUntil ?? 0) > now) throw imError("MUTED");
}
