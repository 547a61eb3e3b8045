import { createHash } from "node:crypto";
import { deadlineIn } from "./deadline.ts";
import type { MysqlAddress } from "./mysql-address.ts";
import { MysqlConnection } from "./mysql-connection.ts";
import { MysqlUnavailable } from "./mysql-errors.ts";
import { literal, statementOf } from "./mysql-literals.ts";
import { schemaSession } from "./mysql-server.ts";
import type { SchemaSession } from "./port.ts";

const OPEN_MS = 3_000;
const LOCK_WAIT_S = 1;

/** Runs `work` in a session of its own, under a lock that the server gives back when the session ends, by whatever cause. */
export async function runExclusively<T>(
  address: MysqlAddress,
  collation: string,
  work: (session: SchemaSession) => Promise<T>,
): Promise<T> {
  const connection = await MysqlConnection.open(schemaSession(address), deadlineIn(OPEN_MS));
  try {
    await lock(connection, address);
    return await work(sessionOn(connection, collation));
  } finally {
    await connection.close();
  }
}

async function lock(connection: MysqlConnection, { database }: MysqlAddress): Promise<void> {
  // The names of locks belong to the whole server, and have 64 characters at most.
  const name = `im-schema-${createHash("sha256").update(database).digest("hex").slice(0, 32)}`;
  const [row] = await connection.rows(`SELECT GET_LOCK(${literal(name)}, ${LOCK_WAIT_S}) AS taken`, deadlineIn(OPEN_MS));
  if (row?.taken !== 1) throw new MysqlUnavailable("Another process is changing the schema of the database");
}

function sessionOn(connection: MysqlConnection, collation: string): SchemaSession {
  return {
    collation,
    select: async (sql, params = {}) => (await connection.rows(statementOf(sql, params), Infinity, sql)) as never,
    execute: async (sql, params = {}) => (await connection.run(statementOf(sql, params), Infinity, sql)).affected,
  };
}
