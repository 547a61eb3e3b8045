import type { Message } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import { acceptedMessage } from "./apply.ts";
import type { Picture, Transaction } from "./picture.ts";
import type { OutboxRecord } from "./records.ts";

/** Longer than the server tries itself. */
const SEND_TIMEOUT_MS = 15_000;

export interface SenderDeps {
  readonly picture: Picture;
  me(): string | null;
  isOpen(): boolean;
  /** @throws ImError */
  send(payload: object, timeoutMs: number): Promise<unknown>;
  /** The server has a message; it is the next of its conversation, or there is a gap before it. */
  arrived(tx: Transaction, message: Message): void;
  /** The server has a message of which only it knows how it looks. */
  requestSync(): void;
  onError(error: unknown): void;
}

/**
 * Sends what is in the outbox: of each conversation one at a time, the oldest first, until the server has it or refuses it. A try
 * without an answer is repeated with the same clientMsgId, so that the server keeps it once.
 */
export class Sender {
  readonly #deps: SenderDeps;
  readonly #busy = new Set<string>();
  readonly #wakers = new Set<() => void>();
  #isStopped = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  /** Sends what waits; called when something was put there, and when the connection is there. */
  pump(): void {
    for (const wake of [...this.#wakers]) wake();
    for (const { draft, failure, accepted } of this.#deps.picture.outbox.values())
      if (!failure && !accepted) void this.#run(draft.conversationId);
  }

  stop(): void {
    this.#isStopped = true;
    for (const wake of [...this.#wakers]) wake();
  }

  #next(conversationId: string): OutboxRecord | null {
    let next: OutboxRecord | null = null;
    for (const record of this.#deps.picture.outbox.values())
      if (record.draft.conversationId === conversationId && !record.failure && !record.accepted)
        if (!next || record.order < next.order) next = record;
    return next;
  }

  async #run(conversationId: string): Promise<void> {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    try {
      let tries = 0;
      for (;;) {
        const next = this.#next(conversationId);
        if (!next || this.#isStopped || !this.#deps.isOpen()) return;
        const waitMs = await this.#try(next, tries + 1);
        if (waitMs === 0) tries = 0;
        else {
          tries++;
          await this.#wait(waitMs);
        }
      }
    } catch (error) {
      this.#deps.onError(error); // the store: what is on its way stays there, for the next connection
    } finally {
      this.#busy.delete(conversationId);
    }
  }

  /** @returns 0: it is done; else after how many milliseconds to try again */
  async #try(record: OutboxRecord, tries: number): Promise<number> {
    const { picture, me } = this.#deps;
    const sender = me();
    if (sender === null) return backoffMs(tries);
    let sent: Result<"message.send">;
    try {
      const { clientMsgId, draft } = record;
      sent = (await this.#deps.send({ ...draft, clientMsgId }, SEND_TIMEOUT_MS)) as Result<"message.send">;
    } catch (error) {
      if (!(error instanceof ImError)) throw error;
      if (error.isRetryable) return backoffMs(tries, error.retryAfterMs);
      await this.#fail(record, error);
      return 0;
    }
    const { messageId, seq, createdAt } = sent;
    const message = acceptedMessage(sender, record, sent);
    await picture.transact(async (tx) => {
      if (!tx.outbox(record.clientMsgId)) return; // it came by another way meanwhile
      tx.putOutbox({ ...record, accepted: { messageId, seq, createdAt } });
      if (message) this.#deps.arrived(tx, message);
      tx.dropArrived(record.draft.conversationId, tx.conversation(record.draft.conversationId)?.mark ?? 0);
    });
    if (!message) this.#deps.requestSync();
    return 0;
  }

  async #fail(record: OutboxRecord, { code, message }: ImError): Promise<void> {
    const failed = { ...record, failure: { code, message } };
    await this.#deps.picture.transact(async (tx) => {
      if (!tx.outbox(record.clientMsgId)) return;
      tx.putOutbox(failed);
      tx.change.failed = [failed];
    });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
    });
  }
}
