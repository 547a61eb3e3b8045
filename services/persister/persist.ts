import type { MessageRecord } from "../../contracts/records.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { Rejection } from "../../mixins/message-log/port.ts";
import { burns } from "../../mixins/burn-timers/index.ts";
import type { PersistRepository } from "./repository.ts";

export interface PersistDeps {
  readonly repository: PersistRepository;
  readonly now: () => number;
  /**
   * Who sent a record was told that it is sent. One that the database refuses keeps its seq as its own then, without its words,
   * until it is driven again (ADR 0018); else its seq is void.
   */
  readonly holds?: boolean;
}

const SENDER_ERASED = "the account of its sender is erased";

/**
 * Writes a batch, what it has of each conversation in one transaction, and says which records can never be written: those whose
 * place another message holds, and those that the database refuses by themselves. Safe to repeat: what is there already stays as it is, so that a redelivered
 * original undoes no edit or recall. What someone sent whose account is erased is written as recalled, and rejected: nobody is
 * to hear of it.
 * @throws what another try can cure; of each conversation nothing is written then, or a beginning, which the next try finds
 */
export async function persistBatch(deps: PersistDeps, records: readonly MessageRecord[]): Promise<Rejection[]> {
  const sorted = sortByKey(records);
  const burning = new Set(sorted.filter(burns).map(({ conversationId }) => conversationId));
  if (burning.size === 0) return persistNew(deps, sorted);
  // Timers are rows of another table. What is in one conversation stays together: else a crash could leave a hole in it.
  const others = sorted.filter(({ conversationId }) => !burning.has(conversationId));
  const rejected = others.length > 0 ? await persistNew(deps, others) : [];
  const timed = sorted.filter(({ conversationId }) => burning.has(conversationId));
  return [...rejected, ...(await persistWithConflicts(deps, timed))];
}

/** The way for a batch of new messages that do not burn. */
async function persistNew(deps: PersistDeps, records: readonly MessageRecord[]): Promise<Rejection[]> {
  try {
    await deps.repository.insertNew(records, deps.now());
    return [];
  } catch (error) {
    if (deps.repository.isTransient(error)) throw error;
    return persistWithConflicts(deps, records);
  }
}

/** The way for a batch of which something is there already, that the database refuses, or that is more than rows of messages. */
async function persistWithConflicts(deps: PersistDeps, records: readonly MessageRecord[]): Promise<Rejection[]> {
  try {
    return await deps.repository.transaction((tx) => write(deps, records, tx));
  } catch (error) {
    if (deps.repository.isTransient(error)) throw error;
    return bisect(deps, records, error);
  }
}

/** Gives records up that are not in the database: each leaves a void at its seq. @returns those that were given up */
export function buryRecords(
  { repository, now }: PersistDeps,
  records: readonly MessageRecord[],
  reason: string,
): Promise<Rejection[]> {
  return repository.transaction(async (tx) => {
    const rejected: Rejection[] = [];
    const erased = await repository.erasedAuthors(records, tx);
    for (const record of sortByKey(records)) {
      await repository.insertVoid(record, now(), tx);
      const standing = await repository.at(record.conversationId, record.seq, tx);
      if (standing?.messageId === record.messageId && !standing.isVoid) continue;
      rejected.push(erased.has(record.senderId) ? ofErased(record) : { record, reason });
    }
    return rejected;
  });
}

/** @returns null when it cannot be held; nothing when it has been driven again since */
async function holdRecord({ repository, now }: PersistDeps, record: MessageRecord, reason: string): Promise<Rejection[] | null> {
  try {
    return await repository.transaction(async (tx) => {
      if ((await repository.erasedAuthors([record], tx)).has(record.senderId)) return null;
      await repository.insertHeld(record, now(), tx);
      await repository.placeBurnTimers([record], now(), tx);
      const standing = await repository.at(record.conversationId, record.seq, tx);
      if (standing?.messageId !== record.messageId || standing.isVoid) return null;
      return standing.isWithoutWords ? [{ record, reason, isHeld: true }] : [];
    });
  } catch (error) {
    if (repository.isTransient(error)) throw error;
    return null;
  }
}

/** In the order of the primary key, so that two writers cannot wait for each other. */
function sortByKey(records: readonly MessageRecord[]): MessageRecord[] {
  return records.toSorted((a, b) =>
    a.conversationId === b.conversationId ? a.seq - b.seq : a.conversationId < b.conversationId ? -1 : 1,
  );
}

async function write(deps: PersistDeps, records: readonly MessageRecord[], tx: Tx): Promise<Rejection[]> {
  const at = deps.now();
  const erased = await deps.repository.erasedAuthors(records, tx);
  const inserted = await deps.repository.insert(records, erased, at, tx);
  await deps.repository.placeBurnTimers(records, at, tx);
  const rejected = records.filter(({ senderId }) => erased.has(senderId)).map(ofErased);
  if (inserted === records.length) return rejected;
  for (const record of records) {
    const reason = await conflictOf(deps, record, tx);
    if (reason === null) continue;
    if (!erased.has(record.senderId)) rejected.push({ record, reason });
    await deps.repository.insertVoid(record, at, tx);
  }
  return rejected;
}

const ofErased = (record: MessageRecord): Rejection => ({ record, reason: SENDER_ERASED, forget: true });

/** null when the row at the record's place is the record itself, and not the void that it left when it was rejected before. */
async function conflictOf({ repository }: PersistDeps, record: MessageRecord, tx: Tx): Promise<string | null> {
  const standing = await repository.at(record.conversationId, record.seq, tx);
  if (standing?.messageId === record.messageId) return standing.isVoid ? "it was rejected before" : null;
  if (standing?.isVoid) return `its seq ${record.seq} is void: its conversation went on without it`;
  if (standing) return `message ${standing.messageId} has its seq ${record.seq}`;
  const same = await repository.withClientMsgId(record, tx);
  return same
    ? `message ${same.messageId} has its clientMsgId, at seq ${same.seq}`
    : "the database took it for a duplicate of none";
}

/** Finds what the database refuses: halves that pass are written, a single record that does not is rejected. */
async function bisect(deps: PersistDeps, records: readonly MessageRecord[], error: unknown): Promise<Rejection[]> {
  const [first] = records;
  if (first && records.length === 1) {
    const reason = error instanceof Error ? error.message : String(error);
    return (deps.holds && (await holdRecord(deps, first, reason))) || buryRecords(deps, [first], reason);
  }
  const middle = Math.ceil(records.length / 2);
  return [...(await persistBatch(deps, records.slice(0, middle))), ...(await persistBatch(deps, records.slice(middle)))];
}
