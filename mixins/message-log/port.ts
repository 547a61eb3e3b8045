import type { MessageRecord } from "../../contracts/records.ts";

/** The group that writes what is in the log into the database. */
export const PERSISTER_GROUP = "persister";

/** Why a record could not be appended; `retryable` says whether the same append may succeed later. */
export type AppendOutcome = { ok: true } | { ok: false; retryable: boolean; reason: string };

export interface LogBatch {
  readonly records: readonly MessageRecord[];
  /** Call at least every 3 s while a batch is in work, so that the group keeps its partitions. */
  heartbeat(): Promise<void>;
  /** True when the partitions were taken away or the log is closing: stop, nothing more will be committed. */
  isStale(): boolean;
}

/**
 * What the handler of a batch found for the records it could never write. The log dead-letters them with their reason and
 * goes on behind them; an append that still waits for such a record resolves with `retryable: false`.
 */
export interface BatchResult {
  readonly rejected: readonly Rejection[];
}

export interface Rejection {
  readonly record: MessageRecord;
  readonly reason: string;
  /** Nothing went wrong and nothing may be kept: the account of its sender is erased. It becomes no dead letter. */
  readonly forget?: true;
  /** Its sender was told that it is sent, and its seq stays its own. */
  readonly isHeld?: true;
}

export interface ConsumeOptions {
  /** Members of one group share the records; every group sees all records. */
  readonly group: string;
  /** At most this many records in a batch. */
  readonly maxBatch: number;
  /** Must be idempotent: a batch comes again when the handler threw or the process died before it resolved. */
  onBatch(batch: LogBatch): Promise<BatchResult | void>;
}

export interface DeadLetter {
  readonly record: MessageRecord;
  readonly reason: string;
  readonly at: number;
}

/** Where a letter stands among the others. */
export interface DeadLetterPlace {
  readonly at: number;
  readonly messageId: string;
}

/**
 * The message log port (embedded: in process; cluster: Kafka topics `im-message-private`, `im-message-group`).
 *
 * Promises that every implementation keeps (`test/contract/message-log.ts`):
 * - records of one conversation reach every group in the order in which they were appended to this log; where several nodes
 *   append, their order is that of their seqs and not the log's. A record may reach a group more than once;
 * - an append that resolved `{ok: true}` survives the death of this process. In process that is when the `persister` group
 *   has handled the record; in Kafka when all in-sync replicas have it;
 * - an append is answered within its deadline, `retryable` when the outcome is unknown; the record may still be in the log;
 * - appends of one tick travel together; at most one write is in flight per topic;
 * - a handler that throws gets the same batch again, with back-off, and nothing behind it overtakes;
 * - the backlog is bounded: beyond `MAX_LOG_BACKLOG` records, and while the log has been failing for longer than a deadline,
 *   `isAccepting()` is false and appends answer `{ok: false, retryable: true}` at once;
 * - a record that is appended again while it is still on its way shares the fate of the first;
 * - a dead letter keeps its record and reason until it is removed, across restarts.
 */
export interface MessageLog {
  /** What an append that resolved `{ok: true}` says of its record: the persister has written it, or it is in the log. */
  readonly acknowledges: "persisted" | "logged";
  /** Ask before a seq is taken: false means that an append would be refused now. */
  isAccepting(): boolean;
  /** Answers in the order of `records`, within `APPEND_TIMEOUT_MS`; never rejects. */
  append(records: readonly MessageRecord[]): Promise<AppendOutcome[]>;
  /**
   * Tells of records that are in the log although every append of them was answered before that was known, so that whoever
   * waits for such a message hears of it. Each record at most once; one listener.
   */
  onLate(listener: (records: readonly MessageRecord[]) => void): void;
  /**
   * Starts consuming; resolves when the group has joined, however long the log is away. What was in the log before a group
   * consumed for the first time reaches it where the log keeps it.
   */
  consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }>;
  /** The oldest; with `after` those behind a letter that was listed, be it that it is removed since. */
  deadLetters(limit: number, after?: DeadLetterPlace): Promise<DeadLetter[]>;
  /** Keeps records that nobody can write as dead letters; one that is kept already stays as it is. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  removeDeadLetters(messageIds: readonly string[]): Promise<void>;
  /**
   * Drops the dead letters of a user who was erased (`markErased`) and takes their words out of those that quote or forward
   * them. What is buried later is kept without them too.
   */
  forgetDeadLetters(userId: string): Promise<void>;
  /** Records appended and not yet handled by `group`. */
  lag(group: string): Promise<number>;
  /**
   * true once `group` has handled everything that was in the log when this was called; false when that is not known after
   * `timeoutMs`. Never rejects.
   */
  settled(group: string, timeoutMs: number): Promise<boolean>;
  /** Rejects within 2 s when the log cannot be used. */
  ping(): Promise<void>;
  /** Stops intake, lets running batches end, then closes. */
  close(): Promise<void>;
}
