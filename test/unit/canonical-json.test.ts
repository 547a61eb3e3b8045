import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../lib/canonical-json.ts";

describe("canonicalJson", () => {
  it("is the same for values that are equal as JSON, whatever the order of their fields", () => {
    const shuffled = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(shuffled);
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, field]) => [name, shuffled(field)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(canonicalJson(shuffled(value)), canonicalJson(value));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("differs for values that differ", () => {
    const values = [
      null,
      0,
      "",
      "0",
      false,
      [],
      {},
      [[]],
      [{}],
      { a: 1 },
      { a: "1" },
      { a: [1] },
      { b: 1 },
      ["a", "b"],
      ["b", "a"],
      "\ud800",
      "\ud801",
    ];
    assert.equal(new Set(values.map(canonicalJson)).size, values.length);
  });

  it("leaves out fields that JSON leaves out", () => {
    assert.equal(canonicalJson({ b: undefined, a: [undefined, 1] }), '{"a":[null,1]}');
  });
});
