import type { Content, Message } from "../../contracts/entities.ts";
import { editableTypes } from "../../contracts/content.ts";
import { MAX_REACTION_KINDS } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { toConversation } from "../../lib/message-view.ts";
import { push, userRoom } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import type { ChangeLog } from "../../mixins/change-log/index.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { NewEvent } from "../../mixins/outbox/index.ts";
import { changeOf } from "./change-entry.ts";
import { checkContent } from "./content.ts";
import { viewFor, viewForAll } from "./quotes.ts";
import type { MessageRow } from "./rows.ts";
import { checkMayWrite, hotMember, storedMessage, type VisibleDeps } from "./visible.ts";

export interface ChangeDeps extends VisibleDeps {
  readonly recallLimitMs: number;
  readonly editLimitMs: number;
  readonly now: () => number;
  readonly changes: Pick<ChangeLog, "record">;
  isErased(userId: string, tx?: Tx): Promise<boolean>;
  addEvent(tx: Tx, event: NewEvent<"im.message.recalled" | "im.message.pinned">): Promise<void>;
}
export type Deed = { messageId: string; userId: string };

/** Takes a message back for everyone. Repeating it changes nothing. */
export async function recallMessage(deps: ChangeDeps, { messageId, userId }: Deed): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  if (row.recalled_at === null) {
    await checkMayRecall(deps, row, userId);
    const isNew = await deps.repository.transaction(async (tx) => {
      const at = deps.now();
      if (!(await deps.repository.recall(row.conversation_id, Number(row.seq), at, tx))) return false;
      const payload = { conversationId: row.conversation_id, messageId, actorId: userId };
      await deps.addEvent(tx, { subject: "im.message.recalled", key: row.conversation_id, payload });
      await deps.changes.record(tx, [changeOf(row, "recalled", at)]);
      return true;
    });
    if (isNew) await announceChange(deps, messageId);
  }
  return viewed(deps, messageId, userId);
}

/** The sender within the limit; owner and admins of a group without limit, for those below them. */
async function checkMayRecall(deps: ChangeDeps, row: MessageRow, userId: string): Promise<void> {
  if (row.type === "system" || row.type === "call") throw imError("NOT_EDITABLE");
  const isMine = String(row.sender_id) === userId;
  if (isMine && deps.now() - Number(row.created_at) <= deps.recallLimitMs) return;
  const mine = await roleIn(deps, row.conversation_id, userId);
  if (isMine) {
    if (mine === "owner" || mine === "admin") return;
    throw imError("RECALL_TIME_PASSED");
  }
  const theirs = await roleIn(deps, row.conversation_id, String(row.sender_id));
  const isAbove = mine === "owner" || (mine === "admin" && theirs !== "owner" && theirs !== "admin");
  if (!isAbove) throw imError("NOT_YOUR_MESSAGE");
}

/** null in direct conversations, and for who is no member (any more). */
export async function roleIn(deps: ChangeDeps, conversationId: string, userId: string) {
  if (parseConversationId(conversationId)?.type !== "group") return null;
  return (await hotMember(deps, conversationId, userId))?.role ?? null;
}

/** Replaces the text of one's own message; the earlier ones are kept as its history. */
export async function editMessage(
  deps: ChangeDeps,
  { messageId, userId, content }: Deed & { content: Content },
): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  if (String(row.sender_id) !== userId) throw imError("NOT_YOUR_MESSAGE");
  if (row.recalled_at !== null) throw imError("MESSAGE_RECALLED");
  if (!editableTypes.includes(row.type)) throw imError("NOT_EDITABLE");
  checkContent(row.type as "text" | "markdown", content);
  if (deps.now() - Number(row.created_at) > deps.editLimitMs) throw imError("EDIT_TIME_PASSED");
  await checkMayWrite(deps, row.conversation_id, userId, deps.now());
  await deps.repository.transaction(async (tx) => {
    const current = await deps.repository.locked(row, tx);
    const at = deps.now();
    if (!current || !(await deps.repository.edit(current, content, at, tx))) throw imError("MESSAGE_RECALLED");
    await deps.changes.record(tx, [changeOf(row, "edited", at)]);
  });
  await announceChange(deps, messageId);
  return viewed(deps, messageId, userId);
}

/** @throws SESSION_ENDED when the user's account is erased since: what is written then, nobody would take away */
export async function addReaction(deps: ChangeDeps, { messageId, userId, emoji }: Deed & { emoji: string }): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  if (row.recalled_at !== null) throw imError("MESSAGE_RECALLED");
  if (row.type === "system") throw imError("NOT_EDITABLE");
  await checkMayWrite(deps, row.conversation_id, userId, deps.now());
  const reaction = { conversationId: row.conversation_id, seq: Number(row.seq), emoji, userId, at: deps.now() };
  const react = async (tx: Tx): Promise<boolean> => {
    if ((await deps.repository.locked(row, tx))?.recalled_at !== null) throw imError("MESSAGE_RECALLED");
    if (await deps.isErased(userId, tx)) throw imError("SESSION_ENDED");
    const isAdded = await deps.repository.addReaction(reaction, tx);
    // Counted behind the insert: two that count first and insert then could wait for each other.
    const kinds = await deps.repository.reactionKinds(reaction.conversationId, reaction.seq, tx);
    if (kinds.length > MAX_REACTION_KINDS)
      throw invalidField("emoji", `would be one of more than ${MAX_REACTION_KINDS} on this message`);
    if (isAdded) await deps.changes.record(tx, [changeOf(row, "reacted", reaction.at)]);
    return isAdded;
  };
  const isNew = await deps.repository.transaction(react, { serializable: true });
  if (isNew) await announceChange(deps, messageId, { userId, emoji, added: true });
  return viewed(deps, messageId, userId);
}

export async function removeReaction(deps: ChangeDeps, { messageId, userId, emoji }: Deed & { emoji: string }): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  const isGone = await deps.repository.transaction(async (tx) => {
    const removed = await deps.repository.removeReaction(row.conversation_id, Number(row.seq), emoji, userId, tx);
    if (removed) await deps.changes.record(tx, [changeOf(row, "reacted", deps.now())]);
    return removed;
  });
  if (isGone) await announceChange(deps, messageId, { userId, emoji, added: false });
  return viewed(deps, messageId, userId);
}

/** Removes a message from one's own history; nobody else notices. */
export async function deleteForMe(deps: ChangeDeps, { messageId, userId }: Deed): Promise<Message> {
  const { row } = await storedMessage(deps, messageId, userId);
  const message = await viewed(deps, messageId, userId);
  await deps.repository.transaction(async (tx) => {
    const isNew = await deps.repository.hide(userId, row.conversation_id, Number(row.seq), tx);
    if (isNew) await deps.changes.record(tx, [changeOf(row, "deleted", deps.now(), userId)]);
  });
  await push(deps.calls, [
    {
      room: userRoom(userId),
      event: "conversation:updated",
      payload: { conversationId: row.conversation_id, version: `m${row.seq}`, deleted: messageId },
    },
  ]);
  return message;
}

/** As it stands now. */
export async function viewed(deps: ChangeDeps, messageId: string, viewer: string): Promise<Message> {
  return viewFor(deps, await rowOf(deps, messageId), viewer);
}

async function rowOf(deps: Pick<VisibleDeps, "repository">, messageId: string): Promise<MessageRow> {
  const row = await deps.repository.byId(messageId);
  if (!row) throw imError("MESSAGE_NOT_FOUND");
  return row;
}

/** Tells everybody who can see the message. Whose reaction is whose stands in `change`, not in the reactions. */
export async function announceChange(
  deps: Pick<VisibleDeps, "repository" | "calls">,
  messageId: string,
  change?: { userId: string; emoji: string; added: boolean },
): Promise<void> {
  const row = await rowOf(deps, messageId);
  const at = { conversationId: row.conversation_id, seq: Number(row.seq) };
  const blind = await call(deps.calls, "conversation.blindTo", at);
  const message = await viewForAll(deps, row, blind);
  const payload = change ? { ...message, change } : message;
  await push(deps.calls, toConversation(message.conversationId, "message:updated", payload, blind.map(userRoom)));
}
