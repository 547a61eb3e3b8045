import type { Content } from "../../contracts/entities.ts";
import { imError, isImError } from "../../lib/errors.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { call } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import { contentOf, type MessageRow } from "./rows.ts";
import { visibleMessage, type VisibleDeps } from "./visible.ts";

/** What a merged forward may weigh with its snapshots. */
const MAX_FORWARD_BYTES = 65_536;

/**
 * The stored form of a merged forward: what the named messages said when they were forwarded, in their order. They belong to
 * one conversation and the sender can see them.
 * @throws VALIDATION, TEXT_TOO_LARGE
 */
export async function snapshotForward(deps: VisibleDeps, content: Content, userId: string): Promise<Content> {
  const { title, items: messageIds } = content as { title: string; items: string[] };
  const rows = await mapConcurrently(messageIds, 16, (messageId) => visibleRow(deps, messageId, userId));
  if (new Set(rows.map((row) => row.conversation_id)).size > 1)
    throw invalidField("content.items", "must be messages of one conversation");
  rows.sort((a, b) => Number(a.seq) - Number(b.seq));
  const senders = await call(deps.calls, "user.getMany", { userIds: [...new Set(rows.map((row) => String(row.sender_id)))] });
  const names = new Map(senders.map(({ userId: id, nickname }) => [id, nickname]));
  const items = rows.map((row) => ({
    senderId: String(row.sender_id),
    senderName: names.get(String(row.sender_id)) ?? "",
    type: row.type,
    content: contentOf(row),
    createdAt: Number(row.created_at),
  }));
  const snapshot = { title, items };
  if (Buffer.byteLength(JSON.stringify(snapshot)) > MAX_FORWARD_BYTES)
    throw imError("TEXT_TOO_LARGE", { maxBytes: MAX_FORWARD_BYTES });
  return snapshot;
}

async function visibleRow(deps: VisibleDeps, messageId: string, userId: string): Promise<MessageRow> {
  try {
    const { row } = await visibleMessage(deps, messageId, userId);
    if (row.recalled_at !== null || row.type === "system" || row.burn_after_ms !== null) throw imError("MESSAGE_NOT_FOUND");
    return row;
  } catch (error) {
    throw isImError(error, "MESSAGE_NOT_FOUND")
      ? invalidField("content.items", `${messageId} is no message that you can forward`)
      : error;
  }
}
