import type { Conversation } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { accessOf, memberRow, type AccessDeps } from "./access.ts";
import type { CursorDeps } from "./cursors.ts";
import { ownStateOf, viewConversations } from "./list.ts";
import { refusalOf } from "./members.ts";
import { tellOwnDevices } from "./own-devices.ts";
import { othersMayKnow } from "./receipts.ts";
import type { MemberRow } from "./repository.ts";

/** The direct conversation with someone. @throws what sending to them would throw */
export async function openConversation(deps: AccessDeps, userId: string, peerId: string): Promise<Conversation> {
  if (userId === peerId) throw imError("CANNOT_ADD_SELF");
  const refusal = refusalOf(await call(deps.calls, "friend.relation", { userId, peerId }));
  if (refusal) throw imError(refusal);
  return viewOne(deps, userId, await memberRow(deps, userId, directConversationId(userId, peerId)));
}

/** Pins, mutes, hides, keeps a draft: for this user, on all devices. A hidden conversation shows again with its next message. */
export async function updateConversation(
  deps: CursorDeps,
  userId: string,
  params: Params<"conversation.update">,
): Promise<Conversation> {
  const { conversationId, pinned, muted, hidden, draft } = params;
  const { maxSeq, row: before } = await headFor(deps, userId, conversationId);
  const hiddenSeq = hidden === undefined ? undefined : hidden ? maxSeq : null;
  const row = await deps.repository.change(userId, conversationId, { pinned, muted, hiddenSeq, draft });
  if (row) {
    // With the last message at which it is hidden: a device may hear of the next one before it hears of this.
    const change = { ...ownStateOf(row, maxSeq), maxSeq };
    tellOwnDevices(deps, { userId, conversationId, version: String(row.version), change });
  }
  return viewOne(deps, userId, row ?? before);
}

/** Empties the conversation for this user, on all devices, which is having read it. */
export async function clearConversation(deps: CursorDeps, userId: string, conversationId: string): Promise<void> {
  const { maxSeq, row: before } = await headFor(deps, userId, conversationId);
  const access = accessOf(before);
  const isShown = access.isMember && (await othersMayKnow(deps, userId, conversationId));
  const at = deps.now();
  const shownSeq = isShown ? maxSeq : 0;
  const row = await deps.repository.clear({ userId, conversationId, readSeq: maxSeq, shownSeq, deliveredSeq: maxSeq, at });
  if (!row) return;
  const change = { clearedSeq: Number(row.min_seq) - 1, readSeq: Number(row.read_seq) };
  tellOwnDevices(deps, { userId, conversationId, version: String(row.version), change });
  if (isShown && maxSeq > access.readSeq) deps.receipts.tell({ conversationId, userId, kind: "read", seq: maxSeq, at });
}

async function headFor(deps: AccessDeps, userId: string, conversationId: string): Promise<{ maxSeq: number; row: MemberRow }> {
  const row = await memberRow(deps, userId, conversationId);
  const [head] = await call(deps.calls, "message.heads", { items: [{ conversationId, maxSeq: accessOf(row).maxSeq }] });
  return { maxSeq: head?.maxSeq ?? 0, row };
}

async function viewOne(deps: AccessDeps, userId: string, row: MemberRow): Promise<Conversation> {
  const [conversation] = await viewConversations(deps, userId, [row]);
  return conversation!;
}
