import type { Params, Result } from "../../contracts/index.ts";
import { TYPING_TOLD_EVERY_MS } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { toConversation } from "../../lib/message-view.ts";
import { push, userRoom } from "../../lib/push.ts";
import type { HotLimits } from "../../mixins/hot-store/port.ts";
import { notFound, peerOf } from "./access.ts";
import { stateOf, type MembersDeps } from "./members.ts";
import { isQuiet } from "./receipts.ts";

export interface TypingDeps extends MembersDeps {
  readonly limits: HotLimits;
}

/**
 * Tells the conversation's other members that someone types, the same at most once in `TYPING_TOLD_EVERY_MS`; not in large
 * groups, where it would be noise: the answer says so, as often as the others would be told.
 */
export async function tellTyping(
  deps: TypingDeps,
  userId: string,
  { conversationId, kind }: Params<"conversation.typing">,
): Promise<Result<"conversation.typing">> {
  const parsed = parseConversationId(conversationId);
  if (parsed?.type !== "group" && peerOf(conversationId, userId) === null) throw notFound(conversationId);
  const member = await stateOf(deps, conversationId, userId);
  if (member === null) throw notFound(conversationId);
  if (member.refusal) throw imError(member.refusal);
  if (!(await deps.limits.isNews(`typing:${conversationId}:${userId}`, kind, TYPING_TOLD_EVERY_MS))) return null;
  // Asked last: the size of a group is read from the database.
  if (await isQuiet(deps, conversationId)) return { off: "large_group" };
  await push(deps.calls, toConversation(conversationId, "typing", { conversationId, userId, kind }, [userRoom(userId)]));
  return null;
}
