import type { Params } from "../../contracts/index.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { toConversation } from "../../lib/message-view.ts";
import { push, userRoom } from "../../lib/push.ts";
import { notFound, peerOf } from "./access.ts";
import { stateOf, type MembersDeps } from "./members.ts";
import { isQuiet } from "./receipts.ts";

/** Tells the conversation's other members that someone types; not in large groups, where it would be noise. */
export async function tellTyping(
  deps: MembersDeps,
  userId: string,
  { conversationId, kind }: Params<"conversation.typing">,
): Promise<void> {
  const parsed = parseConversationId(conversationId);
  if (parsed?.type !== "group" && peerOf(conversationId, userId) === null) throw notFound(conversationId);
  const member = await stateOf(deps, conversationId, userId);
  if (member === null) throw notFound(conversationId);
  if (member.refusal) throw imError(member.refusal);
  if (await isQuiet(deps, conversationId)) return;
  await push(deps.calls, toConversation(conversationId, "typing", { conversationId, userId, kind }, [userRoom(userId)]));
}
