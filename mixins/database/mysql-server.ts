import type { Deadline } from "./deadline.ts";
import type { MysqlAddress } from "./mysql-address.ts";
import { MysqlConnection, type MysqlSession } from "./mysql-connection.ts";
import { literal } from "./mysql-literals.ts";

/** What sessions are told depends on whether it is MySQL or MariaDB. */
export interface MysqlServer {
  readonly isMariaDb: boolean;
  /** Bytes of the longest statement that the server takes. */
  readonly maxPacketBytes: number;
  /** Compares text by its characters' numbers, spaces at the end included; utf8mb4_bin leaves those out. */
  readonly collation: string;
}

/** Of MySQL 8, and of MariaDB. */
const EXACT_COLLATIONS = ["utf8mb4_0900_bin", "utf8mb4_nopad_bin"];

/** Longer than any call waits for its answer; what nobody waits for any more ends on the server as well. */
const STATEMENT_S = 5;
/** A wait for a lock is given up early enough for another try within a call. */
const LOCK_WAIT_S = 2;
/** The server ends a session that is silent for longer, so that a frozen process holds no lock. */
const SILENCE_S = 20;
/** A change of the schema waits this long for whoever uses the table. */
const SCHEMA_LOCK_WAIT_S = 60;

/** Text that does not fit is refused and never cut; `\` escapes in text; a group has one value of each column. */
const SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY";

export async function inspectServer(address: MysqlAddress, deadline: Deadline): Promise<MysqlServer> {
  const connection = await MysqlConnection.open({ address, setup: [] }, deadline);
  try {
    const [row] = await connection.rows("SELECT VERSION() AS version, @@max_allowed_packet AS bytes", deadline);
    return {
      isMariaDb: /mariadb/i.test(String(row?.version)),
      maxPacketBytes: Number(row?.bytes),
      collation: await exactCollation(connection, deadline),
    };
  } finally {
    await connection.close();
  }
}

async function exactCollation(connection: MysqlConnection, deadline: Deadline): Promise<string> {
  const wanted = EXACT_COLLATIONS.map(literal).join(",");
  const [found] = await connection.rows(
    `SELECT collation_name AS name FROM information_schema.collations WHERE collation_name IN (${wanted}) LIMIT 1`,
    deadline,
  );
  if (!found) throw new Error(`the server has neither of the collations ${EXACT_COLLATIONS.join(" and ")}`);
  return String(found.name);
}

/** For the calls of services. */
export function servingSession(address: MysqlAddress, { isMariaDb }: MysqlServer): MysqlSession {
  // MySQL's bound is for SELECT only, and in ms.
  const bound = isMariaDb ? `max_statement_time = ${STATEMENT_S}` : `max_execution_time = ${STATEMENT_S * 1_000}`;
  return {
    address,
    setup: [
      ...everySession,
      `SET SESSION wait_timeout = ${SILENCE_S}, lock_wait_timeout = ${LOCK_WAIT_S}, innodb_lock_wait_timeout = ${LOCK_WAIT_S}, ${bound}`,
    ],
  };
}

/** For changes of the schema, which take as long as they need. */
export function schemaSession(address: MysqlAddress): MysqlSession {
  return { address, setup: [...everySession, `SET SESSION lock_wait_timeout = ${SCHEMA_LOCK_WAIT_S}`] };
}

const everySession = ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", `SET SESSION sql_mode = '${SQL_MODE}'`];
