import type { MessageRecord } from "../../contracts/records.ts";
import { messageOf, toConversation } from "../../lib/message-view.ts";
import type { Deliveries } from "../../lib/push.ts";
import type { HotConversations } from "../../mixins/hot-store/port.ts";
import { PERSISTER_GROUP, type MessageLog } from "../../mixins/message-log/port.ts";

export interface CompensateDeps {
  readonly conversations: HotConversations;
  readonly log: Pick<MessageLog, "acknowledges" | "append" | "isAccepting" | "ping" | "settled">;
  /** Those of the records that are in the database. */
  inDatabase(records: readonly MessageRecord[]): Promise<ReadonlySet<string>>;
  /** Gives messages up for good: they become dead letters, and operators hear of it. */
  bury(messageIds: readonly string[]): Promise<void>;
  /** Tries of each message that is stuck, counted only while log and database answer; kept between runs. */
  readonly tries: Map<string, number>;
  readonly maxTries: number;
  push(deliveries: Deliveries): Promise<void>;
  readonly now: () => number;
  readonly afterMs: number;
}
/** Messages that one run looks at: bounds its load on database and log. */
export const MAX_COMPENSATED = 500;
/** A persister that is further behind than this gets the time that it needs: what is in the log is not lost. */
const SETTLE_TIMEOUT_MS = 2_000;

/**
 * Looks for messages that stay PENDING too long and drives them again: those that the database has are marked, the others go
 * to the log once more, under their own seq and id, so that it does no harm when they were on their way after all. Where the
 * log acknowledges before the persister has written, what is in it is left to the persister until that has been through all of
 * it. What is still pending after `maxTries` is given up, so that nothing behind it waits for ever.
 * @returns how many are no longer pending through it
 */
export async function compensate(deps: CompensateDeps): Promise<number> {
  const stuck = await deps.conversations.pending(deps.now() - deps.afterMs, MAX_COMPENSATED);
  forgetOthers(deps.tries, stuck);
  if (stuck.length === 0) return 0;
  const stored = await deps.inDatabase(stuck);
  const done = stuck.filter(({ messageId }) => stored.has(messageId));
  await settle(deps, done);
  const missing = stuck.filter(({ messageId }) => !stored.has(messageId));
  if (missing.length === 0 || !deps.log.isAccepting()) return done.length;
  const lost = await withoutComing(deps, missing);
  return done.length + (lost.length > 0 ? await driveAgain(deps, lost) : 0);
}

/** Those that the persister will not come to by itself: they are not in the log, or it has passed them. */
async function withoutComing(deps: CompensateDeps, records: readonly MessageRecord[]): Promise<readonly MessageRecord[]> {
  const { conversations, log } = deps;
  if (log.acknowledges === "persisted") return records;
  const found = await Promise.all(records.map(({ messageId, conversationId }) => conversations.find(messageId, conversationId)));
  const unlogged = records.filter((_, i) => found[i]?.loggedAt === null);
  const logged = records.filter((_, i) => typeof found[i]?.loggedAt === "number");
  if (logged.length === 0 || !(await log.settled(PERSISTER_GROUP, SETTLE_TIMEOUT_MS))) return unlogged;
  const stored = await deps.inDatabase(logged);
  const isStored = ({ messageId }: MessageRecord): boolean => stored.has(messageId);
  await settle(deps, logged.filter(isStored));
  return records.filter((record) => unlogged.includes(record) || (logged.includes(record) && !isStored(record)));
}

async function driveAgain(deps: CompensateDeps, records: readonly MessageRecord[]): Promise<number> {
  const outcomes = await deps.log.append(records);
  const logged = records.filter((_, i) => outcomes[i]?.ok);
  const refused = records.filter((_, i) => outcomes[i]?.ok === false && !outcomes[i].retryable);
  if (refused.length > 0) await deps.conversations.refused(refused);
  // A conversation that lost its counter meanwhile answers nothing: their seqs may be void.
  const stable = logged.length > 0 ? await deps.conversations.logged(logged) : null;
  const told = logged.filter(({ conversationId }) => stable?.has(conversationId));
  await deps.push(told.flatMap((record) => toConversation(record.conversationId, "message:new", messageOf(record, "accepted"))));
  await giveUp(
    deps,
    records.filter((record) => !refused.includes(record)),
  );
  return logged.length;
}

/** Counts a try of each of these, which the database did not have; nothing counts while the log does not answer. */
async function giveUp(deps: CompensateDeps, tried: readonly MessageRecord[]): Promise<void> {
  const { conversations, log, tries, maxTries } = deps;
  const answers = await log.ping().then(
    () => log.isAccepting(),
    () => false,
  );
  if (!answers) return;
  for (const { messageId } of tried) tries.set(messageId, (tries.get(messageId) ?? 0) + 1);
  const last = tried.filter(({ messageId }) => tries.get(messageId)! >= maxTries).map(({ messageId }) => messageId);
  const found = await Promise.all(last.map((messageId) => conversations.find(messageId)));
  const hopeless = last.filter((_, i) => found[i]);
  if (hopeless.length > 0) await deps.bury(hopeless);
}

function forgetOthers(tries: Map<string, number>, stuck: readonly MessageRecord[]): void {
  if (tries.size === 0) return;
  const ids = new Set(stuck.map(({ messageId }) => messageId));
  for (const messageId of tries.keys()) if (!ids.has(messageId)) tries.delete(messageId);
}

async function settle({ conversations }: CompensateDeps, records: readonly MessageRecord[]): Promise<void> {
  if (records.length === 0) return;
  await conversations.logged(records);
  await conversations.persisted(records);
}
