import type { Result } from "../../contracts/index.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { MessageLog } from "../../mixins/message-log/port.ts";
import type { AcceptQueue } from "./accept-queue.ts";

export interface ReadmitDeps {
  readonly queue: AcceptQueue;
  readonly log: MessageLog;
}
const SEARCHED = 10_000;

/**
 * Accepts a message anew that the log had refused: it gets a new seq, since the old one was announced as void, and keeps its
 * client message id, so that it appears once even when its sender has repeated it. null: no such dead letter.
 */
export async function readmit({ queue, log }: ReadmitDeps, messageId: string): Promise<Result<"message.readmit">> {
  const letter = (await log.deadLetters(SEARCHED)).find(({ record }) => record.messageId === messageId);
  if (!letter) return null;
  const { conversationId } = letter.record;
  const sent = await queue.submit(conversationId, requestOf(letter.record));
  await log.removeDeadLetters([messageId]);
  return { messageId: sent.messageId, conversationId, seq: sent.seq, createdAt: sent.createdAt };
}

function requestOf({ seq: _seq, createdAt: _createdAt, ...fields }: MessageRecord) {
  return { ...fields, bySystem: true, inSql: "unasked" as const };
}
