import type { MessageRecord } from "../../contracts/records.ts";
import { userRoom, type Deliveries } from "../../lib/push.ts";

/** Senders hear at most this often that their messages are in the database. */
const TELL_EVERY_MS = 500;

/** Collects what was persisted and tells each sender the highest seq of each conversation. */
export class ToldSenders {
  readonly #push: (deliveries: Deliveries) => Promise<void>;
  #upTo = new Map<string, { senderId: string; conversationId: string; upToSeq: number }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(push: (deliveries: Deliveries) => Promise<void>) {
    this.#push = push;
  }

  add(records: readonly MessageRecord[]): void {
    for (const { senderId, conversationId, seq, type } of records) {
      if (type === "system") continue;
      const key = `${senderId} ${conversationId}`;
      const known = this.#upTo.get(key);
      if (!known) this.#upTo.set(key, { senderId, conversationId, upToSeq: seq });
      else if (known.upToSeq < seq) known.upToSeq = seq;
    }
    this.#timer ??= setTimeout(() => void this.flush(), TELL_EVERY_MS).unref();
  }

  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const told = [...this.#upTo.values()];
    this.#upTo = new Map();
    await this.#push(
      told.map(({ senderId, conversationId, upToSeq }) => ({
        room: userRoom(senderId),
        event: "message:persisted",
        payload: { conversationId, upToSeq },
      })),
    );
  }
}
