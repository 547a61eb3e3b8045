import type { Params } from "../../contracts/index.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { isImError } from "../../lib/errors.ts";
import { SYSTEM_SENDER } from "../../lib/message-view.ts";
import { push, userRoom } from "../../lib/push.ts";
import { invalidField } from "../../lib/validation.ts";
import { announceChange, type ChangeDeps } from "./change.ts";
import { changeOf } from "./change-entry.ts";
import { viewFor } from "./quotes.ts";
import { visibleMessage } from "./visible.ts";

/** @throws VALIDATION where more than two would have to read it */
export function checkBurning({
  conversationId,
  burnAfterMs,
}: Pick<Params<"message.send">, "conversationId" | "burnAfterMs">): void {
  if (burnAfterMs !== undefined && parseConversationId(conversationId)?.type !== "direct")
    throw invalidField("burnAfterMs", "is for conversations of two people");
}

/** Takes the words of a message away whose time has run out, as a recall by nobody. Repeating it changes nothing. */
export async function burnMessage(deps: ChangeDeps, { conversationId, seq, messageId }: Params<"message.burn">): Promise<void> {
  const isNew = await deps.repository.transaction(async (tx) => {
    const at = deps.now();
    if (!(await deps.repository.recall(conversationId, seq, at, tx))) return false;
    const payload = { conversationId, messageId, actorId: SYSTEM_SENDER };
    await deps.addEvent(tx, { subject: "im.message.recalled", key: conversationId, payload });
    await deps.changes.record(tx, [changeOf({ conversation_id: conversationId, seq, message_id: messageId }, "recalled", at)]);
    return true;
  });
  if (isNew) await announceChange(deps, messageId);
}

/** Tells everybody who can see a message, or this one of them, how it stands; nobody of one that is not there. */
export async function announce(deps: ChangeDeps, { messageId, userId }: Params<"message.announce">): Promise<void> {
  try {
    if (userId === undefined) return await announceChange(deps, messageId);
    const { row } = await visibleMessage(deps, messageId, userId);
    const payload = await viewFor(deps, row, userId);
    await push(deps.calls, [{ room: userRoom(userId), event: "message:updated", payload }]);
  } catch (error) {
    if (!isImError(error, "MESSAGE_NOT_FOUND")) throw error;
  }
}
