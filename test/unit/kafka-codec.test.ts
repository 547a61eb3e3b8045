import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { IHeaders, KafkaMessage } from "kafkajs";
import { decode, encode } from "../../mixins/message-log/kafka/codec.ts";
import { buildRecord } from "../support/records.ts";

const message = (value: string | Buffer | null, headers: IHeaders = {}): KafkaMessage => ({
  ...{ key: null, timestamp: "0", attributes: 0, offset: "0" },
  value: typeof value === "string" ? Buffer.from(value) : value,
  headers,
});
const json = (change: Record<string, unknown>): string => JSON.stringify({ ...buildRecord(), ...change });

describe("a record in Kafka", () => {
  it("has its conversation as its key and comes back as it was", () => {
    const record = buildRecord({
      ...{
        content: { text: "\ud800 \u0000 😀" },
        mentions: ["all"],
        requestId: "r-1",
        traceparent: "00-ab-cd-01",
        threadId: "5",
        burnAfterMs: 60_000,
      },
      replyTo: { messageId: "5", seq: 1, senderId: "7", type: "text", preview: "p" },
    });
    const { key, value, headers } = encode(record);
    assert.equal(key, record.conversationId);
    assert.deepEqual(decode(message(value, headers)), record);
  });

  it("carries version, request and trace in headers, for those who do not read the value", () => {
    const { headers } = encode(buildRecord({ requestId: "r-1", traceparent: "00-ab-cd-01" }));
    assert.deepEqual(headers, { "im-schema-version": "1", "im-request-id": "r-1", traceparent: "00-ab-cd-01" });
    assert.deepEqual(encode(buildRecord()).headers, { "im-schema-version": "1" });
  });

  it("is read without headers too", () => {
    assert.equal(typeof decode(message(encode(buildRecord()).value)), "object");
  });

  const forwarded = { type: "forward", content: { items: [{ senderId: "8", type: "text", content: {} }] } };
  it("may be a merged forward", () => assert.equal(typeof decode(message(json(forwarded))), "object"));

  const unreadable: Record<string, string | Buffer | null> = {
    nothing: null,
    "no JSON": "{",
    "bytes that are no text": Buffer.from([0xff, 0x00, 0xfe]),
    "another JSON": "[1]",
    "null as JSON": "null",
    "an object without its fields": "{}",
    "an id that is no number": json({ messageId: "x'; drop table" }),
    "a seq below 1": json({ seq: 0 }),
    "a time that is no number": json({ createdAt: "now" }),
    "a content that is no object": json({ content: "hello" }),
    "mentions that are no list": json({ mentions: "all" }),
    "a forward of nothing that is a message": json({ type: "forward", content: { items: [null] } }),
    "a forward of nobody": json({ type: "forward", content: { items: [{ type: "text", content: {} }] } }),
    "in a thread that has no id": json({ threadId: "x" }),
    "burning after no time": json({ burnAfterMs: "60000" }),
    "a quote of nobody": json({ replyTo: {} }),
  };
  for (const [name, value] of Object.entries(unreadable)) {
    it(`is not read when it is ${name}, and says why`, () => assert.match(decode(message(value)) as string, /^it /));
  }

  it("of a later version is not taken for one of this", () => {
    const { value } = encode(buildRecord());
    assert.equal(decode(message(value, { "im-schema-version": Buffer.from("2") })), 'its schema version "2" is not known');
  });
});
