import type { OnConflict, Row } from "./port.ts";
import { toBindable, type Bindable, type SqliteConnection } from "./sqlite-connection.ts";

const IDENTIFIER = /^[A-Za-z_]\w*$/;

/**
 * Inserts the rows one after the other inside the writer's transaction. When one fails those before it are there: the
 * transaction must be rolled back. A savepoint would undo them, but doubles the time of all that succeed (8 ms instead of
 * 3.7 for 400 messages), since SQLite then copies every page aside before it changes it.
 */
export function insertAll(writer: SqliteConnection, table: string, rows: readonly Row[], onConflict: OnConflict): number {
  const columns = Object.keys(rows[0] ?? {});
  return insertEach(writer, insertStatement(table, columns, onConflict), columns, rows);
}

function insertStatement(table: string, columns: readonly string[], onConflict: OnConflict): string {
  const unsafe = [table, ...columns].find((name) => !IDENTIFIER.test(name));
  if (unsafe !== undefined) throw new Error(`Not an identifier: ${unsafe}`);
  const names = columns.map((column) => `\`${column}\``).join(",");
  const marks = Array(columns.length).fill("?").join(",");
  return `INSERT INTO \`${table}\` (${names}) VALUES (${marks})${onConflict === "keep" ? " ON CONFLICT DO NOTHING" : ""}`;
}

/**
 * One prepared statement run for each row: 400 rows of 15 columns with two unique indexes took 3.1 ms (2 cores, Node 24),
 * against 9.3 ms for `INSERT … SELECT` from one `json_each(?)` and 10.0 ms for statements of 50 rows each.
 */
function insertEach(writer: SqliteConnection, sql: string, columns: readonly string[], rows: readonly Row[]): number {
  const statement = writer.statement(sql);
  const values: Bindable[] = Array<Bindable>(columns.length).fill(null);
  let inserted = 0;
  for (const row of rows) {
    for (let at = 0; at < columns.length; at++) {
      const value = row[columns[at] as string];
      if (value === undefined) throw new Error(`A row lacks "${columns[at]}": ${sql}`);
      values[at] = toBindable(value);
    }
    inserted += Number(statement.run(...values).changes);
  }
  return inserted;
}
