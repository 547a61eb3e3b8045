import type { MessageRecord } from "../../contracts/records.ts";
import type { AcceptRequest } from "./port.ts";

/** The record of a request that was taken. Field by field, since copying all but two fields is slow. */
export function recordOf(request: AcceptRequest, seq: number, createdAt: number): MessageRecord {
  const record = {
    messageId: request.messageId,
    conversationId: request.conversationId,
    seq,
    senderId: request.senderId,
    clientMsgId: request.clientMsgId,
    type: request.type,
    content: request.content,
    replyTo: request.replyTo,
    mentions: request.mentions,
    bodyHash: request.bodyHash,
    createdAt,
    requestId: request.requestId,
  };
  const { traceparent, threadId, burnAfterMs } = request;
  if (traceparent === undefined && threadId === undefined && burnAfterMs === undefined) return record;
  return {
    ...record,
    ...(traceparent !== undefined && { traceparent }),
    ...(threadId !== undefined && { threadId }),
    ...(burnAfterMs !== undefined && { burnAfterMs }),
  };
}
