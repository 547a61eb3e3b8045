import type { Result } from "../../contracts/index.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { AcceptQueue } from "./accept-queue.ts";
import { restoreHeld, type RestoreDeps } from "./restore.ts";

export interface ReadmitDeps extends RestoreDeps {
  readonly queue: AcceptQueue;
  isErased(userId: string): Promise<boolean>;
}

/**
 * Takes a dead letter back. One whose seq was held gets its words again where it stands (ADR 0018). Any other is accepted anew: it
 * gets a new seq, since the old one was announced as void (ADR 0004), and keeps its client message id, so that it appears once even
 * when its sender has repeated it. null: its sender's account is erased.
 * @throws SEND_FAILED; what the database says when it still refuses the words
 */
export async function readmit(deps: ReadmitDeps, record: MessageRecord): Promise<Result<"message.readmit">> {
  if (await deps.isErased(record.senderId)) return null;
  const { conversationId } = record;
  if (await restoreHeld(deps, record)) {
    const { messageId, seq, createdAt } = record;
    return { messageId, conversationId, seq, createdAt };
  }
  const { messageId, seq, createdAt } = await deps.queue.submit(conversationId, requestOf(record));
  return { messageId, conversationId, seq, createdAt };
}

function requestOf({ seq: _seq, createdAt: _createdAt, ...fields }: MessageRecord) {
  return { ...fields, bySystem: true, inSql: "unasked" as const };
}
