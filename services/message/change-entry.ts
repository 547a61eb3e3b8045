import type { ChangeType, NewChange } from "../../mixins/change-log/index.ts";
import type { MessageRow } from "./rows.ts";

/** What the change log says of a message; `userId` where it concerns nobody else. */
export function changeOf(
  row: Pick<MessageRow, "conversation_id" | "seq" | "message_id">,
  type: ChangeType,
  at: number,
  userId: string | null = null,
): NewChange {
  return { type, conversationId: row.conversation_id, seq: Number(row.seq), messageId: String(row.message_id), userId, at };
}
