import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { PinRepository } from "../../services/message/pin-repository.ts";

/** A database of this dialect that notes what it is asked, and how much at once. */
function asked(dialect: Database["dialect"]) {
  const statements: { sql: string; params: SqlParams | undefined }[] = [];
  let [running, most] = [0, 0];
  const sql = {
    dialect,
    async select(statement: string, params?: SqlParams) {
      statements.push({ sql: statement, params });
      most = Math.max(most, ++running);
      await nextTurn();
      running--;
      return [];
    },
  } as unknown as Database;
  return { pins: new PinRepository(sql), statements, most: () => most };
}

describe("pins at places", () => {
  it("are looked up on MySQL each by its own values, which a list of tuples would compare as floating point numbers", async () => {
    const { pins, statements } = asked("mysql");
    await pins.at([
      ["g_1", 3],
      ["g_2", 4],
    ]);
    assert.ok(
      statements[0]!.sql.endsWith(
        "where ((conversation_id = :conversation_id_0 and seq = :seq_0) or (conversation_id = :conversation_id_1 and seq = :seq_1))",
      ),
    );
    assert.deepEqual(statements[0]!.params, { conversation_id_0: "g_1", seq_0: 3, conversation_id_1: "g_2", seq_1: 4 });
  });

  it("are asked for in few statements at once, however many there are", async () => {
    const { pins, statements, most } = asked("sqlite");
    await pins.at(Array.from({ length: 256 * 20 }, (_, seq) => ["g_1", seq] as const));
    assert.deepEqual([statements.length, most()], [20, 4]);
    await pins.at([]);
    assert.equal(statements.length, 20);
  });
});
