import type { MessageRecord } from "../../contracts/records.ts";
import { imError } from "../../lib/errors.ts";
import type { HotConversations } from "../../mixins/hot-store/port.ts";
import type { MessageLog } from "../../mixins/message-log/port.ts";

export interface Sent {
  readonly messageId: string;
  readonly seq: number;
  readonly createdAt: number;
  /** The same message had been sent before. */
  readonly repeated: boolean;
}

/** Who waits for the answer to a message. */
export interface Sender {
  readonly connectionId: string | undefined;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
}

export interface LoggingDeps {
  readonly conversations: HotConversations;
  readonly log: MessageLog;
  /** Records are in the log: their senders are about to be told. Must not throw. */
  onLogged(records: readonly { record: MessageRecord; connectionId: string | undefined }[]): void;
  readonly metrics: { increment(name: "im_messages_logged_total", by?: number): void };
}

export interface ToLog {
  readonly record: MessageRecord;
  readonly waiting: Sender;
  readonly repeated: boolean;
}
const nobody: readonly Sender[] = [];

/**
 * The way of a message from "accepted" to "in the log", and the answer to its sender. Nothing is acknowledged or announced before
 * the hot store has noted that it is in the log: where that lost the conversation meanwhile, its seq may be void.
 */
export class Logging {
  readonly #deps: LoggingDeps;
  /** Messages on their way to the log, with those who sent the same meanwhile: they share its answer. */
  readonly #onWay = new Map<string, readonly Sender[]>();

  constructor(deps: LoggingDeps) {
    this.#deps = deps;
    deps.log.onLate((records) => void this.#announceLate(records));
  }

  /** Call `log` with what it gives. */
  begin(record: MessageRecord, waiting: Sender, repeated = false): ToLog {
    this.#onWay.set(record.messageId, nobody);
    return { record, waiting, repeated };
  }

  /** A message that was accepted before and is not known to be in the log. null: it is on its way, and answered with that. */
  beginAgain(record: MessageRecord, waiting: Sender): ToLog | null {
    const same = this.#onWay.get(record.messageId);
    if (!same) return this.begin(record, waiting, true);
    this.#onWay.set(record.messageId, [...same, waiting]);
    return null;
  }

  /** Answers each of them when it is in the log, or when that fails. */
  async log(items: readonly ToLog[]): Promise<void> {
    try {
      const outcomes = await this.#deps.log.append(items.map(({ record }) => record));
      const logged = items.filter((_, i) => outcomes[i]?.ok);
      const refused = items.filter((_, i) => outcomes[i]?.ok === false && !outcomes[i].retryable);
      const stable = logged.length > 0 ? await this.#deps.conversations.logged(logged.map(({ record }) => record)) : null;
      if (refused.length > 0) await this.#deps.conversations.refused(refused.map(({ record }) => record));
      this.#deps.metrics.increment("im_messages_logged_total", logged.length);
      const told = logged.filter(({ record }) => stable?.has(record.conversationId));
      for (const item of told) this.#end(item);
      this.#deps.onLogged(told.map(({ record, waiting }) => ({ record, connectionId: waiting.connectionId })));
      items.forEach((item, i) => {
        const outcome = outcomes[i];
        if (!outcome?.ok) this.#end(item, imError("SEND_FAILED", { retryable: outcome?.retryable ?? true }));
        else if (!stable?.has(item.record.conversationId)) this.#end(item, imError("SEND_FAILED"));
      });
    } catch (error) {
      for (const item of items) this.#end(item, error);
    }
  }

  /** Answers who sent a message, and who sent the same while it was on its way. */
  #end({ record, waiting, repeated }: ToLog, error?: unknown): void {
    const { messageId, seq, createdAt } = record;
    const same = this.#onWay.get(messageId) ?? nobody;
    this.#onWay.delete(messageId);
    if (error === undefined) waiting.resolve({ messageId, seq, createdAt, repeated });
    else waiting.reject(error);
    for (const one of same) {
      if (error === undefined) one.resolve({ messageId, seq, createdAt, repeated: true });
      else one.reject(error);
    }
  }

  /** Messages of which their senders were told that nobody knew: the others hear of them now. */
  async #announceLate(records: readonly MessageRecord[]): Promise<void> {
    let stable: ReadonlyMap<string, number>;
    try {
      stable = await this.#deps.conversations.logged(records);
    } catch {
      return; // they stay pending, and the compensator drives them
    }
    this.#deps.metrics.increment("im_messages_logged_total", records.length);
    const told = records.filter(({ conversationId }) => stable.has(conversationId));
    this.#deps.onLogged(told.map((record) => ({ record, connectionId: undefined })));
  }
}
