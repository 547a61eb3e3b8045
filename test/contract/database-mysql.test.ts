import { after, describe } from "node:test";
import { createConnection } from "mysql2/promise";
import { openMysql } from "../../mixins/database/mysql.ts";
import { ownDatabase } from "../support/mysql.ts";
import { serversFor } from "../support/servers.ts";
import { databaseContract } from "./database.ts";

const silent = { warn: () => undefined, error: () => undefined };
const server = await serversFor("mysql");

describe("database on a MySQL server", { skip: server.skip }, async () => {
  if (server.skip !== false) return;
  const own = await ownDatabase(server.url);
  after(() => own[Symbol.asyncDispose]());
  const open = () => openMysql({ url: own.url, poolSize: 10, logger: silent });

  databaseContract("MySQL", async () => {
    const db = await open();
    return {
      db,
      reopen: open,
      blockWrites: (table) => lockTable(own.url, table),
      writerArguments: ["mysql", own.url],
      cleanup: () => db.close(),
    };
  });
});

/** Locks every row and every gap between them, in a session of its own. */
async function lockTable(url: string, table: string): Promise<() => Promise<void>> {
  const connection = await createConnection(url);
  await connection.query("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE");
  await connection.query("START TRANSACTION");
  await connection.query(`SELECT * FROM ${table} FOR UPDATE`);
  return () => connection.end();
}
