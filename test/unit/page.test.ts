import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isImError } from "../../lib/errors.ts";
import { chunksOf, idCursor, toPage } from "../../lib/page.ts";

describe("page", () => {
  it("has a cursor only when there is more", () => {
    assert.deepEqual(toPage(["1", "2", "3"], 2, String), { rows: ["1", "2"], nextCursor: "2" });
    assert.deepEqual(toPage(["1", "2"], 2, String), { rows: ["1", "2"], nextCursor: null });
    assert.deepEqual(toPage<string>([], 2, String), { rows: [], nextCursor: null });
  });

  it("takes only its own cursors", () => {
    assert.equal(idCursor(undefined), null);
    assert.equal(idCursor("12"), "12");
    for (const cursor of ["0", "-1", "a", "1.5", "1e3", ""])
      assert.throws(
        () => idCursor(cursor),
        (error) => isImError(error, "VALIDATION"),
      );
  });
});

describe("chunksOf", () => {
  it("keeps all items in their order", () => {
    assert.deepEqual(chunksOf([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
    assert.deepEqual(chunksOf([], 2), []);
  });
});
