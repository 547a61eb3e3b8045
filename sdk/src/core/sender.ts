import type { Message } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import { acceptedMessage } from "./apply.ts";
import type { Picture, Transaction } from "./picture.ts";
import type { OutboxRecord } from "./records.ts";
import { unref } from "./session-keeper.ts";

/** Longer than the server tries itself. */
const SEND_TIMEOUT_MS = 15_000;
/** Codes that say nothing of the message: the token does not do, and the connection is about to end. */
const OF_SESSION = new Set([1003, 1004, 1010]);

export interface SenderDeps {
  readonly picture: Picture;
  readonly me: () => string | null;
  readonly isOpen: () => boolean;
  /** @throws ImError */
  readonly send: (payload: object, timeoutMs: number) => Promise<unknown>;
  /** The server has a message; it is the next of its conversation, or there is a gap before it. */
  readonly arrived: (tx: Transaction, message: Message) => void;
  /** The server has a message of which only it knows how it looks. */
  readonly requestSync: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Sends what is in the outbox: of each conversation one at a time, the oldest first, until the server has it or refuses it. A try
 * without an answer is repeated with the same clientMsgId, so that the server keeps it once.
 */
export class Sender {
  readonly #deps: SenderDeps;
  readonly #busy = new Set<string>();
  /** What wakes those that wait for no hint of the server. */
  readonly #wakers = new Set<() => void>();
  readonly #timers = new Set<() => void>();
  #isStopped = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
  }

  /** Sends what waits; called when something was put there. */
  pump(): void {
    for (const { draft, failure, accepted } of this.#deps.picture.outbox.values())
      if (!failure && !accepted) void this.#run(draft.conversationId);
  }

  /** Sends what waits at once, but where the server asked to wait. */
  opened(): void {
    for (const wake of [...this.#wakers]) wake();
    this.pump();
  }

  stop(): void {
    this.#isStopped = true;
    for (const wake of [...this.#timers]) wake();
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
        const wait = await this.#try(next, tries + 1);
        if (wait === null) tries = 0;
        else {
          tries++;
          await this.#wait(wait);
        }
      }
    } finally {
      this.#busy.delete(conversationId);
    }
  }

  /** @returns null: it is done; else how long to wait before the next try, and whether the server said so */
  async #try(record: OutboxRecord, tries: number): Promise<{ ms: number; isAsked: boolean } | null> {
    const { picture, onError } = this.#deps;
    const { era } = picture;
    try {
      await this.#send(record, era);
      return null;
    } catch (error) {
      onError(error); // a store that refuses: the message stays where it is, and the server keeps it once
      const askedMs = error instanceof ImError ? error.retryAfterMs : 0;
      return { ms: backoffMs(tries, askedMs), isAsked: askedMs > 0 };
    }
  }

  /** @throws ImError, StoreError when it is to be tried again */
  async #send(record: OutboxRecord, era: number): Promise<void> {
    const { picture, me, send } = this.#deps;
    const { clientMsgId, draft } = record;
    const sender = me();
    if (sender === null) throw new ImError(0, "Nobody is signed in");
    let sent: Result<"message.send">;
    try {
      sent = (await send({ ...draft, clientMsgId }, SEND_TIMEOUT_MS)) as Result<"message.send">;
    } catch (error) {
      if (!(error instanceof ImError) || error.isRetryable || OF_SESSION.has(error.code)) throw error;
      return this.#fail(record, error, era);
    }
    const { messageId, seq, createdAt } = sent;
    const message = acceptedMessage(sender, record, sent);
    await picture.transact(async (tx) => {
      if (!tx.outbox(clientMsgId)) return; // it came by another way meanwhile
      tx.putOutbox({ ...record, accepted: { messageId, seq, createdAt } });
      if (message) this.#deps.arrived(tx, message);
      tx.dropArrived(draft.conversationId, tx.conversation(draft.conversationId)?.mark ?? 0);
    }, era);
    if (!message) this.#deps.requestSync();
  }

  async #fail(record: OutboxRecord, { code, message }: ImError, era: number): Promise<void> {
    const failed = { ...record, failure: { code, message } };
    await this.#deps.picture.transact(async (tx) => {
      if (!tx.outbox(record.clientMsgId)) return;
      tx.putOutbox(failed);
      tx.change.failed = [failed];
    }, era);
  }

  #wait({ ms, isAsked }: { ms: number; isAsked: boolean }): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        this.#timers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      unref(timer);
      this.#timers.add(wake);
      if (!isAsked) this.#wakers.add(wake);
    });
  }
}
