import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { HotConversations } from "../../mixins/hot-store/port.ts";
import type { AppendOutcome, Rejection } from "../../mixins/message-log/port.ts";
import { Progress } from "../../mixins/message-log/progress.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";

const MAX_APPEND_MS = 8;
const MAX_PERSIST_MS = 12;

/**
 * A log that acknowledges before SQL has a record, with the persister behind it: appends arrive after some milliseconds, and not
 * in the order in which they were made.
 */
export class LoggedToSql {
  /** What is in the log, in its order. */
  readonly records: MessageRecord[] = [];
  readonly rejected: Rejection[] = [];
  readonly #deps: { repository: PersistRepository; now: () => number };
  readonly #hot: () => Pick<HotConversations, "persisted">;
  readonly #progress = new Progress();
  #persisting: Promise<void> = Promise.resolve();
  #gate: Promise<void> = Promise.resolve();

  constructor(sql: Database, hot: () => Pick<HotConversations, "persisted">) {
    this.#deps = { repository: new PersistRepository(sql), now: Date.now };
    this.#hot = hot;
  }

  isAccepting(): boolean {
    return true;
  }
  onLate(): void {}

  async append(records: readonly MessageRecord[]): Promise<AppendOutcome[]> {
    await delay(randomInt(MAX_APPEND_MS));
    this.put(records);
    return records.map(() => ({ ok: true }));
  }

  /** Records reach the log. */
  put(records: readonly MessageRecord[]): void {
    this.records.push(...records);
    this.#progress.give(records.length);
    this.#persisting = this.#persisting.then(() => this.#persist(records));
  }

  /** As `MessageLog.settled` of the persister. */
  settled(timeoutMs: number): Promise<boolean> {
    return this.#progress.settled(timeoutMs);
  }

  /** The persister waits until the function that this gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async #persist(records: readonly MessageRecord[]): Promise<void> {
    await this.#gate;
    await delay(randomInt(MAX_PERSIST_MS));
    const rejected = await persistBatch(this.#deps, records);
    this.rejected.push(...rejected);
    const dead = new Set(rejected.map(({ record }) => record));
    await this.#hot().persisted(records.filter((record) => !dead.has(record)));
    this.#progress.handle(records.length);
  }
}
