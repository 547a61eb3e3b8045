/**
 * The thread of `BulkWriter`: one connection of its own to the file, full durability at each commit. Answers every request.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { BulkAnswer, BulkRequest } from "./sqlite-bulk.ts";
import { SqliteConnection, toBindable } from "./sqlite-connection.ts";
import { sqliteError } from "./sqlite-errors.ts";
import { insertAll } from "./sqlite-insert.ts";

const { file, tuning } = workerData as { file: string; tuning: string };
let connection: SqliteConnection | null = null;

function opened(): SqliteConnection {
  if (connection) return connection;
  const fresh = new SqliteConnection(file, 0);
  fresh.exec(tuning);
  return (connection = fresh);
}

function write({ table, columns, values, unless }: BulkRequest): void {
  const writer = opened();
  writer.exec("BEGIN IMMEDIATE");
  try {
    if (unless && writer.all(unless.text, unless.values.map(toBindable)).length > 0)
      throw new Error("What must not be there is there");
    insertAll(writer, table, { columns, values }, "fail");
    writer.exec("COMMIT");
  } catch (error) {
    if (writer.isTransaction) writer.exec("ROLLBACK");
    throw error;
  }
}

function answerTo(request: BulkRequest): BulkAnswer {
  try {
    write(request);
    return null;
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), errcode: sqliteError(error)?.errcode };
  }
}

parentPort?.on("message", (request: BulkRequest | "close") => {
  if (request !== "close") return parentPort?.postMessage(answerTo(request));
  connection?.close();
  parentPort?.close();
});
