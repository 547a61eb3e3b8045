import type { Content, MessageType, ReplyPreview, SendResult } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError, isImError } from "../../lib/errors.ts";
import type { Turns } from "../../lib/turns.ts";
import { SYSTEM_SENDER } from "../../lib/message-view.ts";
import { invalidField } from "../../lib/validation.ts";
import type { AcceptRequest } from "../../mixins/hot-store/port.ts";
import type { AcceptQueue, Sent } from "./accept-queue.ts";
import { checkBurning } from "./burning.ts";
import { bodyHash, checkContent } from "./content.ts";

export interface SendDeps {
  readonly queue: AcceptQueue;
  /** Those of each sender in each conversation whose right to send is being asked for, and what they send meanwhile. */
  readonly turns: Turns;
  readonly ids: { next(): string };
  /** @throws what sending throws when `senderId` may not write into the conversation now */
  checkMaySend(conversationId: string, senderId: string): Promise<void>;
  /** What to keep of a message of this conversation that `userId` can see; null when there is none. */
  quoted(conversationId: string, messageId: string, userId: string): Promise<ReplyPreview | null>;
  /** Whether a thread of this conversation can begin at that message, as far as `userId` can see. */
  isThreadRoot(conversationId: string, messageId: string, userId: string): Promise<boolean>;
  /** The stored form of a forward: snapshots of messages that `userId` can see. */
  snapshot(content: Content, userId: string): Promise<Content>;
  userExists(userId: string): Promise<boolean>;
  /** Whether this member of a group may mention all there. */
  mayMentionAll(groupId: string, userId: string): Promise<boolean>;
  /** Of the span that runs; undefined when the request is not traced. */
  traceparent(): string | undefined;
  /** Whether this sender's client message id was used in the conversation before. */
  isKnown(conversationId: string, senderId: string, clientMsgId: string): Promise<boolean>;
}

export interface SendInput {
  readonly senderId: string;
  readonly params: Params<"message.send">;
  readonly connectionId?: string | undefined;
  readonly requestId: string | null;
}

/**
 * Sends a message of a user. It takes its place in the conversation's order before anything asynchronous happens, so that
 * messages of one connection keep theirs. One that names others (`replyTo`, `threadId`, a forward, a card, all of a group) holds that place
 * while they are looked up, so it is asked first whether its sender may send at all; what the same sender sends meanwhile waits
 * behind it.
 * @throws VALIDATION, TEXT_TOO_LARGE, ROLE_FORBIDS, and what `AcceptQueue.submit` throws
 */
export async function sendMessage(deps: SendDeps, input: SendInput): Promise<{ result: SendResult; repeated: boolean }> {
  const { params, senderId } = input;
  const { conversationId } = params;
  checkParticipant(conversationId, senderId);
  checkContent(params.type, params.content);
  checkBurning(params);
  const key = `${conversationId} ${senderId}`;
  const isPlain = !needsLookUp(params);
  const sent =
    isPlain && !deps.turns.isTaken(key)
      ? await submit(deps, input, requestOf(deps, input, params.content, null))
      : await (
          await deps.turns.run(key, () => takePlace(deps, input, isPlain))
        ).sent;
  return { result: resultOf(conversationId, sent), repeated: sent.repeated };
}

const submit = (deps: SendDeps, { params, connectionId }: SendInput, request: AcceptRequest | Promise<AcceptRequest>) =>
  deps.queue.submit(params.conversationId, request, connectionId);

/** Resolves when the message has its place, and says then what became of it. */
async function takePlace(deps: SendDeps, input: SendInput, isPlain: boolean): Promise<{ sent: Promise<Sent> }> {
  const { params, senderId } = input;
  if (isPlain) return { sent: submit(deps, input, requestOf(deps, input, params.content, null)) };
  try {
    await deps.checkMaySend(params.conversationId, senderId);
  } catch (refusal) {
    return { sent: sendRefused(deps, input, refusal) };
  }
  return { sent: submit(deps, input, prepare(deps, input)) };
}

/**
 * A message of one who may not send. It holds no place: it is refused, unless it was accepted before, be it that it still is
 * on its way; then it is answered again. To outsiders the conversation does not exist, whatever they name.
 */
async function sendRefused(deps: SendDeps, input: SendInput, refusal: unknown): Promise<Sent> {
  const request = await prepare(deps, input).catch((error: unknown) => {
    throw isImError(refusal, "GROUP_NOT_FOUND", "CONVERSATION_NOT_FOUND") ? refusal : error;
  });
  return submit(deps, input, request);
}

/**
 * Throws what sending this now would throw, and sends nothing.
 * @throws also IDEMPOTENCY_CONFLICT when the client message id is used, be it for the same
 */
export async function checkSend(deps: SendDeps, { senderId, params }: Pick<SendInput, "senderId" | "params">): Promise<void> {
  const { conversationId, clientMsgId, type, content } = params;
  checkParticipant(conversationId, senderId);
  checkContent(type, content);
  await deps.checkMaySend(conversationId, senderId);
  if (needsLookUp(params)) await lookUpNamed(deps, { senderId, params, requestId: null });
  if (await deps.isKnown(conversationId, senderId, clientMsgId)) throw imError("IDEMPOTENCY_CONFLICT");
}

/** Writes a system message; the same client message id gives the same message. */
export async function sendSystemMessage(
  deps: SendDeps,
  params: Params<"message.sendSystem">,
  requestId: string | null,
): Promise<SendResult> {
  const request = buildRequest(deps, {
    ...params,
    senderId: SYSTEM_SENDER,
    type: "system",
    bySystem: true,
    requestId,
    hash: bodyHash({ type: "system", content: params.content }),
  });
  return resultOf(params.conversationId, await deps.queue.submit(params.conversationId, request));
}

/** Outsiders get the same answer as for a conversation that does not exist. */
function checkParticipant(conversationId: string, senderId: string): void {
  const parsed = parseConversationId(conversationId);
  const isInside = parsed?.type === "group" || (parsed?.type === "direct" && parsed.userIds.includes(senderId));
  if (!isInside) throw imError("CONVERSATION_NOT_FOUND");
}

function needsLookUp(params: Params<"message.send">): boolean {
  const { type, replyTo, threadId } = params;
  return (
    replyTo !== undefined || threadId !== undefined || type === "forward" || type === "card" || allMentionedIn(params) !== null
  );
}

/** The group of which the message mentions all; null when it mentions none. */
function allMentionedIn({ conversationId, mentions }: Params<"message.send">): string | null {
  const parsed = mentions?.includes("all") ? parseConversationId(conversationId) : null;
  return parsed?.type === "group" ? parsed.groupId : null;
}

/** A message that was accepted before is answered again, although what it names may be gone since. */
async function prepare(deps: SendDeps, input: SendInput): Promise<AcceptRequest> {
  try {
    return await lookUpNamed(deps, input);
  } catch (error) {
    if (!(await deps.isKnown(input.params.conversationId, input.senderId, input.params.clientMsgId))) throw error;
    return requestOf(deps, input, input.params.content, null);
  }
}

/** @throws VALIDATION when the message names what the sender cannot see, ROLE_FORBIDS when they may not mention all */
async function lookUpNamed(deps: SendDeps, input: SendInput): Promise<AcceptRequest> {
  const { params, senderId } = input;
  const { conversationId, type, replyTo, threadId } = params;
  const groupId = allMentionedIn(params);
  if (groupId !== null && !(await deps.mayMentionAll(groupId, senderId))) throw imError("ROLE_FORBIDS");
  const quoted = replyTo === undefined ? null : await deps.quoted(conversationId, replyTo, senderId);
  if (replyTo !== undefined && quoted === null) throw invalidField("replyTo", "is no message of this conversation");
  if (threadId !== undefined && !(await deps.isThreadRoot(conversationId, threadId, senderId)))
    throw invalidField("threadId", "is no message of this conversation at which a thread can begin");
  if (type === "card" && !(await deps.userExists((params.content as { userId: string }).userId))) {
    throw invalidField("content.userId", "is no user");
  }
  const content = type === "forward" ? await deps.snapshot(params.content, senderId) : params.content;
  return requestOf(deps, input, content, quoted);
}

function requestOf(deps: SendDeps, input: SendInput, content: Content, replyTo: ReplyPreview | null): AcceptRequest {
  const { params, senderId, requestId } = input;
  const { conversationId, clientMsgId, type, mentions, threadId, burnAfterMs } = params;
  return buildRequest(deps, {
    conversationId,
    clientMsgId,
    senderId,
    type,
    content,
    replyTo,
    mentions,
    threadId,
    burnAfterMs,
    bySystem: false,
    requestId,
    hash: bodyHash(params),
  });
}

interface RequestInput {
  conversationId: string;
  clientMsgId: string;
  senderId: string;
  type: MessageType;
  content: Content;
  replyTo?: ReplyPreview | null;
  mentions?: readonly string[] | undefined;
  threadId?: string | undefined;
  burnAfterMs?: number | undefined;
  bySystem: boolean;
  requestId: string | null;
  hash: string;
}

function buildRequest(deps: SendDeps, input: RequestInput): AcceptRequest {
  const { hash, replyTo = null, mentions, threadId, burnAfterMs, ...rest } = input;
  const mentioned = mentions && mentions.length > 0 ? mentions : null;
  const traceparent = deps.traceparent();
  const request = {
    ...rest,
    messageId: deps.ids.next(),
    replyTo,
    mentions: mentioned,
    bodyHash: hash,
    inSql: "unasked" as const,
  };
  if (traceparent === undefined && threadId === undefined && burnAfterMs === undefined) return request;
  return {
    ...request,
    ...(traceparent !== undefined && { traceparent }),
    ...(threadId !== undefined && { threadId }),
    ...(burnAfterMs !== undefined && { burnAfterMs }),
  };
}

function resultOf(conversationId: string, { messageId, seq, createdAt }: Sent): SendResult {
  return { messageId, conversationId, seq, createdAt };
}
