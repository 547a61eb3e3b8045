import type { MessageRecord } from "../../../contracts/records.ts";
import type { BatchResult, LogBatch, MessageLog } from "../../../mixins/message-log/port.ts";

export interface LogHarness {
  readonly log: MessageLog;
  readonly appendTimeoutMs: number;
  readonly maxBacklog: number;
  /** From now on appends neither succeed nor fail by themselves, until the returned function is called. */
  stall(): () => void;
  /** From now on whatever appends need is broken, until the returned function is called. */
  fail(): () => void;
  /** Closes the log and opens it anew on what it keeps, as a process that starts again. */
  reopen(): Promise<MessageLog>;
  cleanup(): Promise<void>;
}

/** The deadline of appends that are to be answered by what becomes of them, on a machine that is busy with other things too. */
export const FAR_MS = 30_000;
/** That of a test which lets it pass, and appends in time before and after. */
export const NEAR_MS = 1_500;

/** Wraps the body of a test, which gets a log of its own. @param appendTimeoutMs far unless the test is about the deadline */
export type Using = (work: (harness: LogHarness) => Promise<void>, appendTimeoutMs?: number) => () => Promise<void>;

/** A consumer that writes down what it gets. */
export interface Recorder {
  readonly batches: (readonly MessageRecord[])[];
  /** Ids of handled messages, in order, each as often as it came. */
  ids(): string[];
  stop(): Promise<void>;
}

export async function record(
  log: MessageLog,
  group: string,
  handle: (batch: LogBatch) => Promise<BatchResult | void> | BatchResult | void = () => undefined,
  maxBatch = 100,
): Promise<Recorder> {
  const batches: (readonly MessageRecord[])[] = [];
  const onBatch = async (batch: LogBatch): Promise<BatchResult | void> => {
    const result = await handle(batch);
    batches.push(batch.records);
    return result;
  };
  const { stop } = await log.consume({ group, maxBatch, onBatch });
  return { batches, stop, ids: () => batches.flat().map(({ messageId }) => messageId) };
}

export const idsOf = (records: readonly MessageRecord[]): string[] => records.map(({ messageId }) => messageId);
export const areOk = (outcomes: readonly { ok: boolean }[]): boolean => outcomes.every(({ ok }) => ok);
