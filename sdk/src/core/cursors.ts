import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import type { Picture } from "./picture.ts";

/** What is read or has come goes to the server together, this much later. */
const FLUSH_AFTER_MS = 200;
const ANSWER_TIMEOUT_MS = 10_000;

export interface CursorDeps {
  readonly picture: Picture;
  readonly isOpen: () => boolean;
  readonly send: (event: string, payload: object, timeoutMs: number) => Promise<unknown>;
  /** Stores a draft at the server. @throws ImError */
  readonly saveDraft: (conversationId: string, draft: string) => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

/** Tells the server how far this user has read, what this device has, and drafts: what it was not told yet, also of earlier. */
export class Cursors {
  readonly #deps: CursorDeps;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isFlushing = false;
  #tries = 0;

  constructor(deps: CursorDeps) {
    this.#deps = deps;
  }

  /** Something may be there to tell. */
  soon(ms = FLUSH_AFTER_MS): void {
    if (this.#timer || !this.#deps.isOpen()) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#flush();
    }, ms);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return this.soon();
    this.#isFlushing = true;
    const { era } = this.#deps.picture;
    try {
      for (const { conversation, mark, toldRead, toldDelivered, untoldDraft } of [...this.#deps.picture.conversations.values()]) {
        if (era !== this.#deps.picture.era || !this.#deps.isOpen()) return; // these are of a session that is over
        const { conversationId, readSeq } = conversation;
        if (readSeq > toldRead) await this.#tell("message:read", conversationId, readSeq);
        if (mark > toldDelivered && mark > readSeq) await this.#tell("message:delivered", conversationId, mark);
        if (untoldDraft !== undefined) await this.#saveDraft(conversationId, untoldDraft);
      }
      this.#tries = 0;
    } catch (error) {
      this.#deps.onError(error);
      this.soon(backoffMs(++this.#tries, error instanceof ImError ? error.retryAfterMs : 0));
    } finally {
      this.#isFlushing = false;
    }
  }

  async #tell(event: "message:read" | "message:delivered", conversationId: string, seq: number): Promise<void> {
    try {
      await this.#deps.send(event, { conversationId, seq }, ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof ImError && error.isRetryable) throw error; // the rest would fail too
    }
    await this.#deps.picture.transact(async (tx) => {
      const record = tx.conversation(conversationId);
      if (!record) return;
      const told = event === "message:read" ? { toldRead: seq } : { toldDelivered: seq };
      tx.putConversation({ ...record, ...told });
    });
  }

  async #saveDraft(conversationId: string, draft: string): Promise<void> {
    try {
      await this.#deps.saveDraft(conversationId, draft);
    } catch (error) {
      if (error instanceof ImError && error.isRetryable) throw error;
    }
    await this.#deps.picture.transact(async (tx) => {
      const record = tx.conversation(conversationId);
      if (record?.untoldDraft !== draft) return;
      const { untoldDraft: _, ...told } = record;
      tx.putConversation(told);
    });
  }
}
