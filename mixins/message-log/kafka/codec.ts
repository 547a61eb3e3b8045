import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { MessageRecord } from "../../../contracts/records.ts";
import { authorsOf } from "../../../lib/erased-words.ts";

/** Shape of the value. A reader refuses a higher one. */
const SCHEMA_VERSION = "1";
const VERSION_HEADER = "im-schema-version";
/** For those who trace without reading the value. */
const REQUEST_HEADER = "im-request-id";
const TRACE_HEADER = "traceparent";

/** A record as kafkajs takes it. */
export interface EncodedRecord extends Message {
  readonly key: string;
  readonly value: Buffer;
}

const versionOnly: IHeaders = Object.freeze({ [VERSION_HEADER]: SCHEMA_VERSION });

export function encode(record: MessageRecord): EncodedRecord {
  return { key: record.conversationId, value: Buffer.from(JSON.stringify(record)), headers: headersOf(record) };
}

function headersOf({ requestId, traceparent }: MessageRecord): IHeaders {
  if (requestId === null && traceparent === undefined) return versionOnly;
  return {
    ...versionOnly,
    ...(requestId !== null && { [REQUEST_HEADER]: requestId }),
    ...(traceparent !== undefined && { [TRACE_HEADER]: traceparent }),
  };
}

/** The record, or why it is none. */
export function decode({ value, headers }: KafkaMessage): MessageRecord | string {
  const version = headers?.[VERSION_HEADER];
  if (version !== undefined && version.toString() !== SCHEMA_VERSION) return `its schema version ${quote(version)} is not known`;
  if (value === null) return "it has no value";
  try {
    const record: unknown = JSON.parse(value.toString());
    return isRecord(record) && namesItsAuthors(record) ? record : "it is not the record of a message";
  } catch {
    return "it cannot be read";
  }
}

const quote = (header: unknown): string => JSON.stringify(String(header).slice(0, 40));

const isString = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isRecord(value: unknown): value is MessageRecord {
  if (!isObject(value)) return false;
  const { messageId, conversationId, seq, senderId, clientMsgId, type, content, replyTo, mentions } = value;
  const { bodyHash, createdAt, requestId, traceparent, threadId, burnAfterMs } = value;
  return (
    [conversationId, clientMsgId, type, bodyHash].every(isString) &&
    isId(messageId) &&
    isId(senderId) &&
    Number.isSafeInteger(seq) &&
    Number(seq) > 0 &&
    Number.isSafeInteger(createdAt) &&
    isObject(content) &&
    (replyTo === null || isObject(replyTo)) &&
    (mentions === null || (Array.isArray(mentions) && mentions.every(isString))) &&
    (requestId === null || isString(requestId)) &&
    (traceparent === undefined || isString(traceparent)) &&
    (threadId === undefined || isId(threadId)) &&
    (burnAfterMs === undefined || (Number.isSafeInteger(burnAfterMs) && Number(burnAfterMs) > 0))
  );
}

/** What is asked of every record before it is written, and must not fail there. @throws when a merged forward has no shape */
function namesItsAuthors(record: MessageRecord): boolean {
  return (record.type !== "forward" && record.replyTo === null) || authorsOf(record).every(isString);
}

const isId = (value: unknown): boolean => isString(value) && /^\d{1,19}$/.test(value);
