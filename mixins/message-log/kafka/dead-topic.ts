import type { Message } from "kafkajs";
import type { DeadLetter } from "../port.ts";
import type { Unreadable } from "./portions.ts";

const KIND_HEADER = "im-dead-kind";
const REASON_HEADER = "im-dead-reason";
const FROM_HEADER = "im-dead-from";
const MAX_REASON_LENGTH = 500;

/**
 * Tells those outside of what became of messages that nobody can write: ids, place and reason. Their words stay in the table of
 * dead letters, where an erasure finds them. What cannot be read is kept here as it came, since no table has a place for it.
 */
export class DeadTopic {
  readonly #topic: string;
  readonly #send: (topic: string, messages: Message[]) => Promise<void>;

  constructor(topic: string, send: (topic: string, messages: Message[]) => Promise<void>) {
    this.#topic = topic;
    this.#send = send;
  }

  async tell(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length > 0) await this.#send(this.#topic, letters.map(noticeOf));
  }

  async keep(unreadable: readonly Unreadable[]): Promise<void> {
    // One by one, since each may be as large as a batch can be.
    for (const one of unreadable) await this.#send(this.#topic, [rawOf(one)]);
  }
}

function noticeOf({ record, reason, at }: DeadLetter): Message {
  const { messageId, conversationId, seq, senderId, clientMsgId, type, createdAt } = record;
  return {
    key: conversationId,
    value: JSON.stringify({ messageId, conversationId, seq, senderId, clientMsgId, type, createdAt, reason, at }),
    headers: { [KIND_HEADER]: "message", [REASON_HEADER]: reason.slice(0, MAX_REASON_LENGTH) },
  };
}

function rawOf({ topic, partition, offset, key, value, reason }: Unreadable): Message {
  return {
    ...{ key, value },
    headers: { [KIND_HEADER]: "raw", [REASON_HEADER]: reason, [FROM_HEADER]: `${topic}/${partition}/${offset}` },
  };
}
