import type { EachBatchPayload } from "kafkajs";
import type { MessageRecord } from "../../../contracts/records.ts";
import { decode } from "./codec.ts";

/** What one partition gave at one time. */
export interface Portion {
  readonly topic: string;
  readonly partition: number;
  readonly payload: EachBatchPayload;
  readonly items: readonly Item[];
}

/** A record at its place in the log; one that cannot be read is kept as it came, with the reason. */
export interface Item {
  readonly portion: Portion;
  readonly offset: string;
  readonly record: MessageRecord | null;
  readonly unreadable: Unreadable | null;
}

export interface Unreadable {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly reason: string;
}

/** The next record to handle of a partition. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export function portionOf(payload: EachBatchPayload): Portion {
  const { topic, partition, messages } = payload.batch;
  const items: Item[] = [];
  const portion: Portion = { topic, partition, payload, items };
  for (const message of messages) {
    const { offset, key, value } = message;
    const decoded = decode(message);
    if (typeof decoded === "string")
      items.push({ portion, offset, record: null, unreadable: { topic, partition, offset, key, value, reason: decoded } });
    else items.push({ portion, offset, record: decoded, unreadable: null });
  }
  return portion;
}

export function recordsOf(items: readonly Item[]): MessageRecord[] {
  return items.flatMap(({ record }) => record ?? []);
}

export function unreadableOf(items: readonly Item[]): Unreadable[] {
  return items.flatMap(({ unreadable }) => unreadable ?? []);
}

/** The last item of each portion. */
export function lastOfEach(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [item.portion, item])).values()];
}

export function positionBehind({ portion: { topic, partition }, offset }: Item): Position {
  return { topic, partition, offset: String(BigInt(offset) + 1n) };
}
