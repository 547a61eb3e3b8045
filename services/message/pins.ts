import type { Message } from "../../contracts/entities.ts";
import type { DomainEvents } from "../../contracts/events.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { MAX_PINS } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError, isImError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { DomainEvent } from "../../mixins/event-stream/index.ts";
import { announceChange, roleIn, viewed, type ChangeDeps, type Deed } from "./change.ts";
import { changeOf } from "./change-entry.ts";
import type { MessageRow } from "./rows.ts";
import { viewFor } from "./quotes.ts";
import { sendSystemMessage, type SendDeps } from "./send.ts";
import { viewMessages } from "./view.ts";
import { boundsFor, checkMayWrite, storedMessage, type VisibleDeps } from "./visible.ts";

const isGroup = (conversationId: string): boolean => parseConversationId(conversationId)?.type === "group";

/** Pins a message for everybody. Repeating it changes nothing. In a group a system message says so. */
export async function pinMessage(deps: ChangeDeps, { messageId, userId }: Deed): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  if (row.recalled_at !== null) throw imError("MESSAGE_RECALLED");
  if (row.type === "system") throw imError("NOT_EDITABLE");
  await checkMayPin(deps, row, userId);
  const pin = { conversationId: row.conversation_id, seq: Number(row.seq), userId, at: deps.now() };
  const { current, isNew } = await deps.repository.transaction(async (tx) => {
    await deps.repository.pins.inTurn(pin.conversationId, tx);
    return addPin(deps, row, pin, tx);
  });
  if (isNew) await announceChange(deps, messageId);
  return viewFor(deps, current, userId);
}

type Pin = Parameters<ChangeDeps["repository"]["pins"]["add"]>[0];

/** @returns the message as it is with its pin */
async function addPin(deps: ChangeDeps, row: MessageRow, pin: Pin, tx: Tx): Promise<{ current: MessageRow; isNew: boolean }> {
  const { pins } = deps.repository;
  const { conversationId, userId: actorId, at } = pin;
  const current = await deps.repository.locked(row, tx);
  if (!current || current.recalled_at !== null) throw imError("MESSAGE_RECALLED");
  if (!(await pins.add(pin, tx))) return { current, isNew: false };
  if ((await pins.count(conversationId, tx)) > MAX_PINS) throw imError("TOO_MANY_PINS", { max: MAX_PINS });
  const payload = { conversationId, messageId: String(row.message_id), actorId };
  if (isGroup(conversationId)) await deps.addEvent(tx, { subject: "im.message.pinned", key: conversationId, payload });
  await deps.changes.record(tx, [changeOf(row, "pinned", at)]);
  return { current, isNew: true };
}

/** Repeating it changes nothing. */
export async function unpinMessage(deps: ChangeDeps, { messageId, userId }: Deed): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  await checkMayPin(deps, row, userId);
  const isGone = await deps.repository.transaction(async (tx) => {
    const removed = await deps.repository.pins.remove(row.conversation_id, Number(row.seq), tx);
    if (removed) await deps.changes.record(tx, [changeOf(row, "pinned", deps.now())]);
    return removed;
  });
  if (isGone) await announceChange(deps, messageId);
  return viewed(deps, messageId, userId);
}

/** Both of a direct conversation, owner and admins of a group; and who may not write there may not pin. */
async function checkMayPin(deps: ChangeDeps, { conversation_id: conversationId }: MessageRow, userId: string): Promise<void> {
  if ((await roleIn(deps, conversationId, userId)) === "member") throw imError("ROLE_FORBIDS");
  await checkMayWrite(deps, conversationId, userId, deps.now());
}

/**
 * Says in the group who pinned which message; what comes again says it once. Of a group that is gone nobody hears.
 * @throws what another try can cure
 */
export async function announcePin(
  deps: SendDeps,
  { eventId, payload, requestId }: DomainEvent<DomainEvents["im.message.pinned"]>,
): Promise<void> {
  const { conversationId, messageId, actorId } = payload;
  const content = { event: "message.pinned", actorId, messageId };
  try {
    await sendSystemMessage(deps, { conversationId, clientMsgId: `ev-${eventId}`, content }, requestId);
  } catch (error) {
    if (!isImError(error, "CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND")) throw error;
  }
}

/**
 * Pinned messages that a member can see, the last pinned first.
 * @throws the 404 of the conversation's kind for outsiders and for who has left: what is pinned later is not theirs to see
 */
export async function readPins(
  deps: VisibleDeps,
  userId: string,
  { conversationId }: Params<"message.pins">,
): Promise<Result<"message.pins">> {
  const { access, minSeq, maxSeq } = await boundsFor(deps, conversationId, userId);
  if (!access.isMember) throw imError(isGroup(conversationId) ? "GROUP_NOT_FOUND" : "CONVERSATION_NOT_FOUND");
  const bounds = { minSeq, maxSeq };
  const rows = await deps.repository.pins.visible(conversationId, userId, bounds);
  const messages = await viewMessages(deps.repository, conversationId, rows, userId, bounds);
  const items = messages.map((message, i) => {
    const { pinned_at, pinned_by } = rows[i]!;
    return { ...message, pinnedAt: Number(pinned_at), pinnedBy: String(pinned_by) };
  });
  return { items };
}
