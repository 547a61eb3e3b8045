import type { Result } from "../../contracts/index.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { AcceptQueue } from "./accept-queue.ts";

export interface ReadmitDeps {
  readonly queue: AcceptQueue;
  isErased(userId: string): Promise<boolean>;
}

/**
 * Accepts a message anew that the log had refused: it gets a new seq, since the old one was announced as void, and keeps its
 * client message id, so that it appears once even when its sender has repeated it. null: its sender's account is erased.
 */
export async function readmit(deps: ReadmitDeps, record: MessageRecord): Promise<Result<"message.readmit">> {
  if (await deps.isErased(record.senderId)) return null;
  const { conversationId } = record;
  const { messageId, seq, createdAt } = await deps.queue.submit(conversationId, requestOf(record));
  return { messageId, conversationId, seq, createdAt };
}

function requestOf({ seq: _seq, createdAt: _createdAt, ...fields }: MessageRecord) {
  return { ...fields, bySystem: true, inSql: "unasked" as const };
}
