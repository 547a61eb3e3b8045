import type { Result } from "../../contracts/index.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { ConversationRepository, MemberRow } from "./repository.ts";

export interface AccessDeps {
  readonly repository: ConversationRepository;
  readonly calls: Calls;
  readonly now: () => number;
}
type Access = Result<"conversation.access">;

/** The answer to whoever has no part in a conversation, whether it exists or not. */
export function notFound(conversationId: string): Error {
  return imError(parseConversationId(conversationId)?.type === "group" ? "GROUP_NOT_FOUND" : "CONVERSATION_NOT_FOUND");
}

/**
 * The user's row; that of a direct conversation between friends is made when it is missing.
 * @throws CONVERSATION_NOT_FOUND, GROUP_NOT_FOUND
 */
export async function memberRow(deps: AccessDeps, userId: string, conversationId: string): Promise<MemberRow> {
  const row = await deps.repository.find(userId, conversationId);
  if (row) return row;
  await makeDirect(deps, userId, conversationId);
  const made = await deps.repository.find(userId, conversationId);
  if (!made) throw notFound(conversationId);
  return made;
}

async function makeDirect(deps: AccessDeps, userId: string, conversationId: string): Promise<void> {
  const peerId = peerOf(conversationId, userId);
  if (peerId === null) throw notFound(conversationId);
  const { areFriends } = await call(deps.calls, "friend.relation", { userId, peerId });
  if (!areFriends) throw notFound(conversationId);
  await deps.repository.ensure(conversationId, [userId, peerId], deps.now());
}

/** The other one of a direct conversation; null when it is none of the user's. */
export function peerOf(conversationId: string, userId: string): string | null {
  const parsed = parseConversationId(conversationId);
  if (parsed?.type !== "direct" || !parsed.userIds.includes(userId)) return null;
  return parsed.userIds[0] === userId ? parsed.userIds[1] : parsed.userIds[0];
}

export function accessOf(row: MemberRow): Access {
  const isMember = row.active === 1;
  return {
    isMember,
    minSeq: Number(row.min_seq),
    maxSeq: isMember || row.max_seq === null ? null : Number(row.max_seq),
    readSeq: Number(row.read_seq),
    deliveredSeq: Number(row.delivered_seq),
  };
}
