import { call, type Calls } from "../../lib/service.ts";
import type { MessageLog } from "../../mixins/message-log/port.ts";
import type { ErasureRepository, ForwardKey } from "./erasure-repository.ts";
import type { FavoriteRepository } from "./favorite-repository.ts";

/** Rows of one transaction. */
const PAGE = 200;
/** Forwards read at once, of up to 64 KB each. */
const FORWARDS = 50;

export interface EraseDeps {
  readonly repository: ErasureRepository;
  readonly favorites: Pick<FavoriteRepository, "forget" | "scrubForwards">;
  readonly calls: Calls;
  readonly log: Pick<MessageLog, "forgetDeadLetters">;
  /** From its commit on nothing of the user's words is written any more. */
  markErased(userId: string): Promise<void>;
  readonly now: () => number;
}

/**
 * Takes everything away that a deleted user has said: their messages are recalled ones, places without words; their words in
 * what others forwarded or keep, their reactions, favorites and dead letters are gone.
 *
 * The mark comes first. What was written before it is found here; what is still on its way (pending, in the log, driven again
 * by the compensator or an operator) meets the mark when it is written, whenever that is. So nothing is waited for. Running
 * again does no harm.
 */
export async function eraseMessages(deps: EraseDeps, userId: string): Promise<void> {
  await deps.markErased(userId);
  await deps.log.forgetDeadLetters(userId);
  for (const conversationId of await call(deps.calls, "conversation.idsOf", { userId })) {
    let after: string | null = "";
    while (after !== null) after = await deps.repository.recallPage(userId, conversationId, after, deps.now(), PAGE);
  }
  while (await deps.repository.removeReactions(userId, deps.now(), PAGE));
  await deps.repository.forgetHidden(userId);
  let behind: ForwardKey | null = { conversationId: "", seq: 0 };
  while (behind !== null) behind = await deps.repository.scrubForwards(userId, behind, deps.now(), FORWARDS);
  while (await deps.favorites.forget(userId, PAGE));
  let kept: string | null = "0";
  while (kept !== null) kept = await deps.favorites.scrubForwards(userId, kept, FORWARDS);
}
