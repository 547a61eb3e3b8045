import { messageKey, type ConversationKeys } from "../../../config/redis-keys.ts";
import type { MessageRecord } from "../../../contracts/records.ts";
import type { Pace } from "../pace.ts";
import type { AcceptOutcome, AcceptRequest, HotMember, KnownMessage } from "../port.ts";
import { recordOf } from "../record-of.ts";

/** What stands in Redis of conversations, and back. The scripts read of it no more than they are told beside it. */

const LOGGED_AT_DIGITS = 13;

/** The fields that no script needs, without names: they would be half of it. Scripts know the order of the first four. */
type Stored = [
  conversationId: string,
  messageId: string,
  senderId: string,
  clientMsgId: string,
  type: MessageRecord["type"],
  content: MessageRecord["content"],
  replyTo: MessageRecord["replyTo"],
  mentions: MessageRecord["mentions"],
  requestId: string | null,
  traceparent?: string | null,
  threadId?: string | null,
  burnAfterMs?: number,
];

export function encodeRequest(request: AcceptRequest): string {
  const stored: Stored = [
    request.conversationId,
    request.messageId,
    request.senderId,
    request.clientMsgId,
    request.type,
    request.content,
    request.replyTo,
    request.mentions,
    request.requestId,
  ];
  const { burnAfterMs } = request;
  if (burnAfterMs !== undefined) stored.push(request.traceparent ?? null, request.threadId ?? null, burnAfterMs);
  else if (request.threadId !== undefined) stored.push(request.traceparent ?? null, request.threadId);
  else if (request.traceparent !== undefined) stored.push(request.traceparent);
  return JSON.stringify(stored);
}

/** Reads what stands under the key of a message. */
export function decodeMessage(text: string): { record: MessageRecord; loggedAt: number | null } {
  const seqAt = LOGGED_AT_DIGITS + 1;
  const createdAt = text.indexOf(" ", seqAt) + 1;
  const hashAt = text.indexOf(" ", createdAt) + 1;
  const storedAt = text.indexOf(" ", hashAt) + 1;
  const [conversationId, messageId, senderId, clientMsgId, type, content, replyTo, mentions, requestId, ...rare] = JSON.parse(
    text.slice(storedAt),
  ) as Stored;
  const [traceparent, threadId, burnAfterMs] = rare;
  const record: MessageRecord = {
    messageId,
    conversationId,
    seq: Number(text.slice(seqAt, createdAt)),
    senderId,
    clientMsgId,
    type,
    content,
    replyTo,
    mentions,
    bodyHash: text.slice(hashAt, storedAt - 1),
    createdAt: Number(text.slice(createdAt, hashAt)),
    requestId,
    ...(typeof traceparent === "string" && { traceparent }),
    ...(typeof threadId === "string" && { threadId }),
    ...(burnAfterMs !== undefined && { burnAfterMs }),
  };
  return { record, loggedAt: Number(text.slice(0, LOGGED_AT_DIGITS)) || null };
}

/** As it stands among a sender's known ids. */
export const encodeKnown = ({ seq, createdAt, messageId, bodyHash }: KnownMessage): string =>
  `${seq} ${createdAt} ${messageId} ${bodyHash}`;

function encodeSql(inSql: AcceptRequest["inSql"]): string {
  if (typeof inSql === "object") return encodeKnown(inSql);
  return inSql === "unasked" ? "u" : "a";
}

/** What `conversation-accept.lua` is told of the pace; `-`: there is none. */
export const encodePace = (pace: Pace | null): string =>
  pace ? `${pace.mostPerSecond} ${pace.leastPerSecond} ${pace.deliveriesPerSecond} ${pace.burstMs}` : "-";

/** What `conversation-accept.lua` is told of a message. */
export function acceptKeys(keys: ConversationKeys, { senderId, messageId }: AcceptRequest): [string, string] {
  return [keys.known(senderId), messageKey(keys.tag, messageId)];
}
export function acceptArguments(request: AcceptRequest): string[] {
  const { clientMsgId, bodyHash, messageId, senderId, bySystem, inSql } = request;
  return [clientMsgId, bodyHash, messageId, senderId, bySystem ? "s" : "-", encodeSql(inSql), encodeRequest(request)];
}

/** What `conversation-accept.lua` answers about one message. */
export type AcceptReply = number | string | [seq: number, createdAt: number, messageId: string, stored: string | null];

const REASONS = { n: "NOT_A_MEMBER", m: "MUTED", f: "CANNOT_MESSAGE", b: "BLOCKED_BY_YOU" } as const;

export function outcomeOf(reply: AcceptReply, request: AcceptRequest, now: number): AcceptOutcome {
  if (typeof reply === "number") return { kind: "accepted", record: recordOf(request, reply, now) };
  if (typeof reply !== "string") {
    const [seq, createdAt, messageId, stored] = reply;
    const pending = stored === null ? null : decodeMessage(stored).record;
    return { kind: "duplicate", messageId, seq, createdAt, pending };
  }
  if (reply === "x") return { kind: "conflict" };
  if (reply === "c") return { kind: "cold" };
  if (reply.startsWith("u")) return { kind: "unknown_key" };
  if (reply.startsWith("t")) return { kind: "throttled", retryAfterMs: Number(reply.slice(1)) };
  return { kind: "refused", reason: REASONS[reply as keyof typeof REASONS] };
}

/** Seq since which a sender's ids are known, when older ones are not; null: they need not be looked for. */
export function bornOf(reply: AcceptReply): string | null {
  return typeof reply === "string" && reply.length > 1 && reply.startsWith("u") ? reply.slice(1) : null;
}

const REFUSALS = { CANNOT_MESSAGE: "f", BLOCKED_BY_YOU: "b" } as const;

/** First letter of the role, why they may not write (or `-`), end of their mute (or 0). */
export function encodeMember({ role, refusal, mutedUntil }: HotMember): string {
  return `${role[0]}${refusal ? REFUSALS[refusal] : "-"}${mutedUntil ?? 0}`;
}

const ROLES = { o: "owner", a: "admin", m: "member" } as const;
const REFUSED = { f: "CANNOT_MESSAGE", b: "BLOCKED_BY_YOU", "-": null } as const;

export function decodeMember(text: string): HotMember {
  return {
    role: ROLES[text[0] as keyof typeof ROLES],
    refusal: REFUSED[text[1] as keyof typeof REFUSED],
    mutedUntil: Number(text.slice(2)) || null,
  };
}

export const encodeSwitches = ({ allMuted, dissolved }: { allMuted: boolean; dissolved: boolean }): string =>
  `${Number(allMuted)}${Number(dissolved)}`;

/** @returns null when they are of another run of the server, which may have lost later changes */
export function decodeSwitches(text: string, run: string): { allMuted: boolean; dissolved: boolean } | null {
  return text.slice(2) === run ? { allMuted: text[0] === "1", dissolved: text[1] === "1" } : null;
}

/** How a message stands among the pending ones of its conversation: `<time of acceptance> <messageId>`. */
export function decodePending(entry: string): { acceptedAt: number; messageId: string } {
  const [acceptedAt, messageId] = entry.split(" ") as [string, string];
  return { acceptedAt: Number(acceptedAt), messageId };
}
