import type { Content } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { visibleMessage, type VisibleDeps } from "./visible.ts";

/**
 * What a message said before its edits, for who can see it. A recall takes that along.
 * @throws MESSAGE_NOT_FOUND, VALIDATION
 */
export async function readEdits(
  deps: VisibleDeps,
  userId: string,
  { messageId, limit = DEFAULT_PAGE, cursor }: Params<"message.edits">,
): Promise<Result<"message.edits">> {
  const { row } = await visibleMessage(deps, messageId, userId);
  const from = idCursor(cursor) ?? "0";
  const earlier = await deps.repository.earlier(row.conversation_id, Number(row.seq), from, limit + 1);
  const { rows, nextCursor } = toPage(earlier, limit, ({ version }) => String(Number(version) + 1));
  const items = rows.map(({ content, edited_at }) => ({ content: JSON.parse(content) as Content, editedAt: Number(edited_at) }));
  return { items, nextCursor };
}
