import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { row, type InTable } from "./harness.ts";

export function values(name: string, inTable: InTable): void {
  describe(`database on ${name}: values`, () => {
    const awkward = [
      `it's "quoted" \\ ; -- DROP`,
      "NUL \0 inside",
      "emoji 😀 and 汉字",
      "%_:id ?",
      "",
      JSON.stringify("lone \ud800 surrogate"),
      "‮right to left",
    ];

    it(
      "binds text as it is",
      inTable(async ({ db }, table) => {
        for (const [at, text] of awkward.entries()) {
          await db.execute(`INSERT INTO ${table} (id, note) VALUES (:id, :note)`, { id: String(at), note: text });
          await db.insertRows(table, [row(`rows ${at}`, at, text)], "fail");
          const found = await db.select<{ id: string }>(`SELECT id FROM ${table} WHERE note = :text ORDER BY id`, { text });
          assert.deepEqual(
            found.map(({ id }) => id),
            [String(at), `rows ${at}`],
          );
        }
        const notes = await db.select<{ note: string }>(`SELECT note FROM ${table} WHERE n IS NOT NULL ORDER BY n`);
        assert.deepEqual(
          notes.map(({ note }) => note),
          awkward,
        );
        assert.equal(JSON.parse(awkward[5] as string), "lone \ud800 surrogate");
      }),
    );

    it(
      "compares and sorts text exactly: case, accents and spaces at the end count",
      inTable(async ({ db }, table) => {
        const ids = ["A", "a", "a ", "a  ", "aa", "Á", "á", "ａ", "😀"];
        for (const [at, id] of ids.entries()) await db.insertRows(table, [{ ...row(id, at), grp: id }], "keep");
        const found = await db.select<{ id: string }>(`SELECT id FROM ${table} ORDER BY id`);
        assert.deepEqual(
          found.map(({ id }) => id),
          ids,
        );
        for (const id of ids) assert.deepEqual(await db.select(`SELECT id FROM ${table} WHERE grp = :id`, { id }), [{ id }]);
      }),
    );

    it(
      "leaves quoted text and comments alone and uses a name as often as it stands there",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1, ":id")], "fail");
        const found = await db.select(
          `SELECT ':id' AS quoted, note FROM ${table} /* :comment */ WHERE id = :id AND :id = id -- :comment\n AND n = :n`,
          { id: "a", n: 1 },
        );
        assert.deepEqual(found, [{ quoted: ":id", note: ":id" }]);
      }),
    );

    it(
      "refuses a placeholder without a value",
      inTable(async ({ db }, table) => {
        await assert.rejects(db.select(`SELECT id FROM ${table} WHERE id = :id`, {}), /:id/);
        await assert.rejects(db.select(`SELECT id FROM ${table} WHERE id = :toString`, {}), /:toString/);
      }),
    );

    it(
      "expands arrays, and an empty one matches nothing",
      inTable(async ({ db }, table) => {
        await db.insertRows(
          table,
          ["a", "b", "c", "d"].map((id, at) => row(id, at)),
          "fail",
        );
        const inList = async (ids: string[]) =>
          (
            await db.select<{ id: string }>(`SELECT id FROM ${table} WHERE grp = :g AND id IN (:ids) AND n < :n ORDER BY id`, {
              g: "g",
              ids,
              n: 9,
            })
          ).map(({ id }) => id);
        assert.deepEqual(await inList(["a", "c", "nowhere"]), ["a", "c"]);
        assert.deepEqual(await inList(["d"]), ["d"]);
        assert.deepEqual(await inList([]), []);
        assert.deepEqual(await inList(Array.from({ length: 1_000 }, (_, at) => `x${at}`).concat("b")), ["b"]);
        assert.equal(await db.execute(`DELETE FROM ${table} WHERE id NOT IN (:ids)`, { ids: [] }), 4);
      }),
    );

    it(
      "expands arrays of tuples, whatever their number, and compares numbers given as text with numbers",
      inTable(async ({ db }, table) => {
        await db.insertRows(
          table,
          ["a", "b", "c", "d"].map((id, at) => row(id, at)),
          "fail",
        );
        const among = async (tuples: (string | number)[][]) =>
          (await db.select<{ id: string }>(`SELECT id FROM ${table} WHERE (id, n) IN (:tuples) ORDER BY id`, { tuples })).map(
            ({ id }) => id,
          );
        assert.deepEqual(await among([["b", 1]]), ["b"]);
        assert.deepEqual(
          await among([
            ["a", "0"],
            ["c", "2"],
            ["d", "2"],
          ]),
          ["a", "c"],
        );
        const many = Array.from({ length: 256 }, (_, at) => [`x${at}`, at]);
        assert.deepEqual(await among([...many.slice(1), ["d", 3]]), ["d"]);
      }),
    );

    it(
      "gives numbers that a JavaScript number holds, else strings",
      inTable(async ({ db }, table) => {
        const values = ["9007199254740993", "9223372036854775807", "-9223372036854775808", 9007199254740991, 0, -7, null];
        for (const [at, n] of values.entries()) await db.insertRows(table, [row(String(at), n)], "fail");
        const found = await db.select<{ n: unknown }>(`SELECT n FROM ${table} ORDER BY id`);
        assert.deepEqual(
          found.map(({ n }) => n),
          values,
        );
        const [small] = await db.select<{ n: unknown }>(`SELECT n FROM ${table} WHERE id = :id`, { id: "4" });
        assert.equal(small?.n, 0);
        const big = await db.select(`SELECT id FROM ${table} WHERE n = :n`, { n: "9007199254740993" });
        assert.deepEqual(big, [{ id: "0" }]);
      }),
    );

    it(
      "tells ids apart that one floating-point number stands for, however they are looked for",
      inTable(async ({ db }, table) => {
        const ids = ["9007199254740992", "9007199254740993", "9223372036854775806", "9223372036854775807"];
        for (const n of ids) await db.insertRows(table, [row(n, n)], "fail");
        for (const n of ids) {
          const other = ids.find((id) => id !== n)!;
          const conditions = ["n = :n", "n IN (:list)", "(grp, n) IN (:tuples)", "CASE WHEN n = :n THEN 1 ELSE 0 END = 1"];
          for (const condition of [...conditions, "NOT n <> :n", "n BETWEEN :n AND :n"]) {
            const found = await db.select(`SELECT id FROM ${table} WHERE ${condition}`, { n, list: [n], tuples: [["g", n]] });
            assert.deepEqual(found, [{ id: n }], condition);
          }
          await db.execute(`UPDATE ${table} SET note = 'seen' WHERE id = :n AND n <> :other`, { n, other });
        }
        assert.deepEqual(await db.select(`SELECT COUNT(*) AS c FROM ${table} WHERE note = 'seen'`), [{ c: 4 }]);
      }),
    );

    it(
      "keeps a whole number whole in a text column",
      inTable(async ({ db }, table) => {
        await db.execute(`INSERT INTO ${table} (id, note) VALUES (:id, :note)`, { id: "a", note: 5 });
        await db.insertRows(table, [{ id: "b", note: 5 }], "fail");
        const notes = await db.select(`SELECT note FROM ${table}`);
        assert.deepEqual(notes, [{ note: "5" }, { note: "5" }]);
      }),
    );

    it(
      "gives plain objects that JSON and a comparison take as they are",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1)], "fail");
        const [found] = await db.select(`SELECT id, n FROM ${table}`);
        assert.deepEqual(found, { id: "a", n: 1 });
        assert.equal(Object.getPrototypeOf(found), Object.prototype);
      }),
    );
  });
}
