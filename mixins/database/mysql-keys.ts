import type { Deadline } from "./deadline.ts";
import type { MysqlConnection } from "./mysql-connection.ts";
import { MysqlError } from "./mysql-errors.ts";
import { literal } from "./mysql-literals.ts";

const WRITTEN_TABLE = /^\s*(?:insert\s+into|replace\s+into|update)\s+`?(\w+)`?/i;

/** The columns of unique keys: the server names the key that was hit, and not what it is made of. */
export class MysqlKeys {
  readonly #known = new Map<string, readonly string[]>();

  /**
   * Adds the columns to an error that hit a unique key.
   * @param connection any session of the database that may run a statement now, also the one of the error
   * @param statement what failed; MariaDB does not say in which table the key is
   */
  async explain(error: unknown, statement: string, connection: MysqlConnection, deadline: Deadline): Promise<void> {
    if (!(error instanceof MysqlError) || error.key === null || error.columns) return;
    const [name = "", inTable] = error.key.split(".").toReversed();
    const table = inTable ?? WRITTEN_TABLE.exec(statement)?.[1];
    if (table === undefined) return;
    const known = `${table}.${name}`;
    const columns = this.#known.get(known) ?? (await columnsOf(table, name, connection, deadline));
    if (columns.length === 0) return;
    this.#known.set(known, columns);
    error.columns = columns;
  }

  /** A change of the schema may have changed the keys. */
  forget(): void {
    this.#known.clear();
  }
}

async function columnsOf(table: string, key: string, connection: MysqlConnection, deadline: Deadline): Promise<string[]> {
  const rows = await connection.rows(
    `SELECT column_name AS name FROM information_schema.statistics WHERE table_schema = DATABASE()
      AND table_name = ${literal(table)} AND index_name = ${literal(key)} ORDER BY seq_in_index`,
    deadline,
  );
  return rows.map(({ name }) => String(name));
}
