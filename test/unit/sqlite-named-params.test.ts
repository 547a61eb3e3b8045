import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bindNamed } from "../../mixins/database/named-params.ts";

const LISTS = { empty: "", tuples: "VALUES " };

describe("bindNamed", () => {
  it("puts the values in the order of their placeholders", () => {
    const bound = bindNamed("SELECT :b, :a, :b", { a: 1, b: null }, LISTS);
    assert.deepEqual(bound, { text: "SELECT ?, ?, ?", values: [null, 1, null] });
  });

  it("leaves colons in quotes, comments, times and casts alone", () => {
    const sql = "SELECT ':a', \":a\", `:a`, '12:30', x::int -- :a\n, 'it''s :a' /* :a\n:b */";
    assert.deepEqual(bindNamed(sql, {}, LISTS), { text: sql, values: [] });
  });

  it("expands arrays to a power of two by repeating the last element", () => {
    const bound = bindNamed("a = :a AND b IN (:list) AND c = :c", { a: "x", list: [1, 2, 3], c: "y" }, LISTS);
    assert.deepEqual(bound, { text: "a = ? AND b IN (?,?,?,?) AND c = ?", values: ["x", 1, 2, 3, 3, "y"] });
  });

  it("gives one statement text to arrays of similar length", () => {
    const text = (length: number) => bindNamed("b IN (:list)", { list: Array<number>(length).fill(7) }, LISTS).text;
    assert.equal(text(5), text(8));
    assert.notEqual(text(8), text(9));
  });

  it("expands arrays of tuples in the same way", () => {
    const tuples = [
      ["a", 1],
      ["b", 2],
      ["c", null],
    ];
    const bound = bindNamed("(x, y) IN (:tuples) AND z = :z", { tuples, z: 9 }, LISTS);
    assert.equal(bound.text, "(x, y) IN (VALUES (?,?),(?,?),(?,?),(?,?)) AND z = ?");
    assert.deepEqual(bound.values, ["a", 1, "b", 2, "c", null, "c", null, 9]);
  });

  it("puts the dialect's empty list for an empty array", () => {
    const bound = bindNamed(
      "a IN (:none) OR b IN (:none) OR c = :c",
      { none: [], c: 1 },
      { empty: "SELECT 1 WHERE 0", tuples: "" },
    );
    assert.deepEqual(bound, { text: "a IN (SELECT 1 WHERE 0) OR b IN (SELECT 1 WHERE 0) OR c = ?", values: [1] });
  });

  it("refuses a name without a value, inherited ones included", () => {
    assert.throws(() => bindNamed("SELECT :a", {}, LISTS), /No value for :a/);
    assert.throws(() => bindNamed("SELECT :constructor", {}, LISTS), /No value for :constructor/);
  });
});
