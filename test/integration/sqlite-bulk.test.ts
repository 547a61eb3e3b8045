import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BulkWriter } from "../../mixins/database/sqlite-bulk.ts";
import { isTransientSqlite } from "../../mixins/database/sqlite-errors.ts";

const request = { table: "t", columns: ["a"], values: ["x"] };

describe("BulkWriter", () => {
  it("says that another try may help when its thread dies, and tries it with a new one", async () => {
    const writer = new BulkWriter("unused", "", new URL("data:text/javascript,process.exit(1)"));
    for (let attempt = 0; attempt < 2; attempt++) await assert.rejects(writer.insert(request), isTransientSqlite);
    await writer.close();
  });

  it("says that another try may help when the file cannot be opened", async () => {
    const writer = new BulkWriter("/nowhere/im.sqlite", "");
    await assert.rejects(writer.insert(request), isTransientSqlite);
    await writer.close();
  });
});
