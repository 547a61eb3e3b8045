import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Content, SendableType } from "../../contracts/entities.ts";
import { isImError } from "../../lib/errors.ts";
import { bodyHash, checkContent } from "../../services/message/content.ts";

/** The fields that are wrong; the type of the error when it is another one; [] when all is well. */
function wrong(type: SendableType, content: unknown): string[] | string {
  try {
    checkContent(type, content as Content);
    return [];
  } catch (error) {
    if (!isImError(error, "VALIDATION")) return String((error as { type?: unknown }).type ?? error);
    return (error.data as { fields: { field: string }[] }).fields.map(({ field }) => field);
  }
}
const parsed = (json: string): unknown => JSON.parse(json);

describe("checkContent", () => {
  it("takes what each type promises", () => {
    const good: [SendableType, unknown][] = [
      ["text", { text: "x" }],
      ["text", { text: "<script> \u202e \u0000 \ud800 😀 __proto__" }],
      ["markdown", { text: "**x**" }],
      ["location", { latitude: -90, longitude: 180 }],
      ["location", { latitude: 1.5, longitude: 2, title: "Bund", address: "Shanghai" }],
      ["card", { userId: "5" }],
      ["custom", { kind: "a.b-c_1", data: null }],
      ["custom", { kind: "x", data: { deep: [1, { more: true }] } }],
      ["forward", { title: "Chat", items: ["1", "2"] }],
    ];
    for (const [type, content] of good) assert.deepEqual(wrong(type, content), [], JSON.stringify(content));
  });

  it("names the fields that are wrong, as the client wrote them", () => {
    const bad: [SendableType, unknown, string[]][] = [
      ["text", {}, ["content.text"]],
      ["text", { text: "" }, ["content.text"]],
      ["text", { text: 5 }, ["content.text"]],
      ["text", { text: "x", html: "y" }, ["content.html"]],
      ["text", parsed('{"text":"x","__proto__":{"text":"y"}}'), ["content.__proto__"]],
      ["markdown", { title: "x" }, ["content.title", "content.text"]],
      ["location", { latitude: 90.1, longitude: 0 }, ["content.latitude"]],
      ["location", { latitude: "1", longitude: Number.NaN }, ["content.latitude", "content.longitude"]],
      ["location", { latitude: 1, longitude: 1, title: "a\nb" }, ["content.title"]],
      ["card", { userId: "0" }, ["content.userId"]],
      ["card", { userId: 5 }, ["content.userId"]],
      ["custom", { kind: "a\nb", data: 1 }, ["content.kind"]],
      ["custom", { kind: "a" }, ["content.data"]],
      ["forward", { title: "t", items: [] }, ["content.items"]],
      ["forward", { title: "t", items: ["1", "1"] }, ["content.items"]],
      ["forward", { title: "t", items: ["x"] }, ["content.items.0"]],
    ];
    for (const [type, content, fields] of bad) {
      const found = wrong(type, content);
      assert.deepEqual(new Set(found), new Set(fields), `${type} ${JSON.stringify(content)}: ${JSON.stringify(found)}`);
    }
  });

  it("refuses in data of any shape what no JSON should hold", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 20; i++) deep = [deep];
    const data = [
      deep,
      parsed('{"__proto__":{"admin":true}}'),
      parsed('{"a":[{"__proto__":1}]}'),
      { "a\u0000b": 1 },
      { "\ud800": 1 },
      Buffer.from("binary"),
      { file: new Uint8Array(3) },
      [new Map()],
      { at: new Date() },
    ];
    for (const one of data) assert.notDeepEqual(wrong("custom", { kind: "x", data: one }), [], JSON.stringify(one));
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  it("counts the bytes of a text, not its characters", () => {
    for (const type of ["text", "markdown"] as const) {
      assert.deepEqual(wrong(type, { text: "a".repeat(8_192) }), []);
      assert.equal(wrong(type, { text: "a".repeat(8_193) }), "TEXT_TOO_LARGE");
      assert.deepEqual(wrong(type, { text: "字".repeat(2_730) }), []);
      assert.equal(wrong(type, { text: "字".repeat(2_731) }), "TEXT_TOO_LARGE");
      assert.equal(wrong(type, { text: "😀".repeat(2_049) }), "TEXT_TOO_LARGE");
    }
  });

  it("bounds every other content", () => {
    assert.deepEqual(wrong("custom", { kind: "x", data: "a".repeat(16_000) }), []);
    assert.equal(wrong("custom", { kind: "x", data: "字".repeat(6_000) }), "TEXT_TOO_LARGE");
  });
});

describe("bodyHash", () => {
  const body = { type: "custom", content: { kind: "x", data: { a: 1, b: [2] } } };

  it("is the same for the same body, in whatever order its fields stand", () => {
    const again = { content: { data: { b: [2], a: 1 }, kind: "x" }, type: "custom", replyTo: undefined, mentions: undefined };
    assert.equal(bodyHash(again), bodyHash(body));
    assert.match(bodyHash(body), /^[\w-]{22}$/);
  });

  it("differs when type, content, reply or mentions differ", () => {
    const others = [
      body,
      { ...body, type: "text" },
      { ...body, content: { kind: "x", data: { a: 1, b: [3] } } },
      { ...body, content: { kind: "x", data: { a: "1", b: [2] } } },
      { ...body, replyTo: "5" },
      { ...body, replyTo: "6" },
      { ...body, mentions: ["5"] },
      { ...body, mentions: ["all"] },
      { ...body, mentions: ["5", "6"] },
    ];
    assert.equal(new Set(others.map(bodyHash)).size, others.length);
  });

  it("takes no mentions for an empty list of them", () => {
    assert.equal(bodyHash({ ...body, mentions: [] }), bodyHash(body));
  });
});
