import type { ReplyPreview } from "../../contracts/entities.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { messageOf, toConversation } from "../../lib/message-view.ts";
import type { Deliveries } from "../../lib/push.ts";
import { Turns } from "../../lib/turns.ts";

export interface PushNewDeps {
  push(deliveries: Deliveries): Promise<void>;
  /** What everybody in the conversation may be shown of the message that one answers. */
  quote(conversationId: string, reply: ReplyPreview): Promise<ReplyPreview>;
}
export interface NewMessage {
  readonly record: MessageRecord;
  /** The connection that sent it, which has its answer. */
  readonly connectionId: string | undefined;
}

/**
 * Tells everybody of messages that are in the log, those of one conversation in their order. One that quotes another waits
 * until it is known who can see that one, and those behind it in its conversation wait with it.
 */
export class NewMessagePushes {
  readonly #deps: PushNewDeps;
  readonly #turns = new Turns();

  constructor(deps: PushNewDeps) {
    this.#deps = deps;
  }

  push(messages: readonly NewMessage[]): void {
    const atOnce: Deliveries = [];
    for (const message of messages) {
      const { conversationId, replyTo } = message.record;
      if (replyTo === null && !this.#turns.isTaken(conversationId)) atOnce.push(...deliveriesOf(message, null));
      else void this.#turns.run(conversationId, () => this.#pushQuoting(message));
    }
    void this.#deps.push(atOnce);
  }

  /** Resolves when all that was given is pushed. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async #pushQuoting(message: NewMessage): Promise<void> {
    const { conversationId, replyTo } = message.record;
    // Nobody's words are better than words that are not for everybody.
    const quote = replyTo && (await this.#deps.quote(conversationId, replyTo).catch(() => replyTo));
    await this.#deps.push(deliveriesOf(message, quote));
  }
}

function deliveriesOf({ record, connectionId }: NewMessage, replyTo: ReplyPreview | null): Deliveries {
  const message = messageOf({ ...record, replyTo }, "accepted");
  return toConversation(record.conversationId, "message:new", message, connectionId === undefined ? [] : [connectionId]);
}
