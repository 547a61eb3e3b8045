import type { Conversation } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { accessOf, type AccessDeps } from "./access.ts";
import { viewConversations } from "./list.ts";

/** All that the user is or was in. The version is read first: what changes meanwhile has a higher one, and comes again. */
export async function rowsForSync(
  { repository }: Pick<AccessDeps, "repository">,
  userId: string,
): Promise<Result<"conversation.forSync">> {
  const version = await repository.version(userId);
  const rows = await repository.ofUser(userId);
  return {
    version,
    rows: rows.map((row) => {
      const { isMember: active, ...bounds } = accessOf(row);
      const kept = row.pinned === 1 || row.draft !== "";
      return { conversationId: row.conversation_id, ...bounds, active, kept, version: Number(row.version) };
    }),
  };
}

/** The named conversations as the list shows them, in this order; those that the user was never in are missing. */
export async function viewMany(
  deps: AccessDeps,
  { userId, conversationIds, known }: Params<"conversation.viewMany">,
): Promise<Conversation[]> {
  const rows = new Map((await deps.repository.some(userId, conversationIds)).map((row) => [row.conversation_id, row]));
  return viewConversations(
    deps,
    userId,
    conversationIds.flatMap((conversationId) => rows.get(conversationId) ?? []),
    known,
  );
}
