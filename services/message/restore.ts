import type { MessageRecord } from "../../contracts/records.ts";
import { withoutWords } from "../../lib/erased-words.ts";
import type { ChangeLog } from "../../mixins/change-log/index.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { announceChange } from "./change.ts";
import { changeOf } from "./change-entry.ts";
import type { VisibleDeps } from "./visible.ts";

export interface RestoreDeps extends Pick<VisibleDeps, "repository" | "calls"> {
  readonly changes: Pick<ChangeLog, "record">;
  readonly now: () => number;
  /** Those of the people whose words the record holds that were erased. */
  erasedAuthors(record: MessageRecord, tx: Tx): Promise<ReadonlySet<string>>;
}

/**
 * Gives a held message its words, and tells everybody who can see it. One that was recalled, edited or restored meanwhile stays as
 * it is. @returns false when the record's seq is not its own: it was never acknowledged, or is void
 */
export async function restoreHeld(deps: RestoreDeps, record: MessageRecord): Promise<boolean> {
  const { repository } = deps;
  const place = { conversation_id: record.conversationId, seq: record.seq };
  const outcome = await repository.transaction(
    async (tx) => {
      const row = await repository.locked(place, tx);
      if (row === null || String(row.message_id) !== record.messageId) return "is not there";
      const words = withoutWords(record, await deps.erasedAuthors(record, tx));
      if (!(await repository.restore(words, tx))) return "stands";
      await deps.changes.record(tx, [changeOf(row, "edited", deps.now())]);
      return "is restored";
    },
    { serializable: true },
  );
  if (outcome === "is restored") await announceChange(deps, record.messageId);
  return outcome !== "is not there";
}
