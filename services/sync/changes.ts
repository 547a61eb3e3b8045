import type { Change } from "../../contracts/entities.ts";
import { SYNC_CHANGES } from "../../contracts/limits.ts";
import { withoutPin } from "../../lib/message-view.ts";
import { call } from "../../lib/service.ts";
import type { Change as Entry } from "../../mixins/change-log/index.ts";
import type { Standing } from "./choose.ts";
import type { SyncDeps } from "./state.ts";

/** Entries that are read for one page; those of one message that repeat are one change. */
const ENTRIES = 1_000;

export interface ChangesPage {
  readonly changes: Change[];
  /** The last entry that this page took in; null: there are no more. */
  readonly after: number | null;
}

interface Range {
  readonly userId: string;
  readonly after: number;
  readonly upTo: number;
}

/** What happened to messages that the user can see, in the order in which it happened, each in its newest state. */
export async function readChanges(deps: SyncDeps, standings: readonly Standing[], range: Range): Promise<ChangesPage> {
  const { userId } = range;
  const byId = new Map(standings.map((one) => [one.conversationId, one]));
  const entries = await deps.changes.since({ ...range, conversationIds: [...byId.keys()], limit: ENTRIES });
  const { taken, after } = firstChanges(entries, SYNC_CHANGES);
  const visible = taken.filter((entry) => isVisible(entry, byId.get(entry.conversationId)!));
  const messages = await readMessages(deps, userId, visible, byId);
  const changes = visible.flatMap(({ position, type, conversationId, messageId }): Change[] => {
    const message = type === "deleted" ? null : messages.get(messageId);
    return message === undefined ? [] : [{ version: String(position), type, conversationId, messageId, message }];
  });
  return { changes, after: after ?? (entries.length === ENTRIES ? entries.at(-1)!.position : null) };
}

/** Pins are only for who is still there: those that are set, or taken away, behind their leaving look like the earlier ones. */
const isVisible = ({ seq, type }: Entry, { minSeq, maxSeq, active }: Standing): boolean =>
  seq >= minSeq && seq <= maxSeq && (active || type !== "pinned");

/**
 * The entries of at most `limit` changes: of those of one message and type the last one stands for all.
 * @returns the last entry that was looked at, when there are more
 */
export function firstChanges(entries: readonly Entry[], limit: number): { taken: Entry[]; after: number | null } {
  const taken = new Map<string, Entry>();
  let after: number | null = null;
  for (const entry of entries) {
    const key = `${entry.messageId} ${entry.type}`;
    if (!taken.has(key) && taken.size === limit) return { taken: inOrder(taken), after };
    taken.set(key, entry);
    after = entry.position;
  }
  return { taken: inOrder(taken), after: null };
}

const inOrder = (entries: ReadonlyMap<string, Entry>): Entry[] => [...entries.values()].sort((a, b) => a.position - b.position);

/** By id; those that the user does not see (any more) are missing. */
async function readMessages({ calls }: SyncDeps, userId: string, entries: readonly Entry[], byId: ReadonlyMap<string, Standing>) {
  const wanted = Map.groupBy(
    entries.filter(({ type }) => type !== "deleted"),
    ({ conversationId }) => conversationId,
  );
  if (wanted.size === 0) return new Map<string, never>();
  const items = [...wanted].map(([conversationId, of]) => {
    const { minSeq, maxSeq } = byId.get(conversationId)!;
    return { conversationId, minSeq, maxSeq, seqs: [...new Set(of.map(({ seq }) => seq))] };
  });
  const messages = await call(calls, "message.views", { userId, items });
  return new Map(
    messages.map((message) => {
      const { active } = byId.get(message.conversationId)!;
      return [message.messageId, active ? message : withoutPin(message)];
    }),
  );
}
