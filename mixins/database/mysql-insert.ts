import { literal } from "./mysql-literals.ts";
import type { OnConflict, SqlValue } from "./port.ts";
import { insertHead, type Rows } from "./rows.ts";

/**
 * Multi-row statements that insert the rows, mostly one. `INSERT IGNORE` would cut what is too long and keep silent about it;
 * setting a column to itself changes nothing, counts nothing, and means the same to MySQL 8 and MariaDB.
 * @param maxLength about how long a statement may be, in characters; a single row may be longer
 */
export function insertStatements(table: string, { columns, values }: Rows, onConflict: OnConflict, maxLength: number): string[] {
  const head = insertHead(table, columns);
  const tail = onConflict === "keep" ? ` ON DUPLICATE KEY UPDATE \`${columns[0]}\` = \`${columns[0]}\`` : "";
  const statements: string[] = [];
  let rows = "";
  for (let start = 0; start < values.length; start += columns.length) {
    const row = rowAt(values, start, columns.length);
    if (rows !== "" && rows.length + row.length > maxLength) {
      statements.push(head + rows + tail);
      rows = "";
    }
    rows += rows === "" ? row : `,${row}`;
  }
  statements.push(head + rows + tail);
  return statements;
}

function rowAt(values: readonly SqlValue[], start: number, width: number): string {
  let row = `(${literal(values[start] as SqlValue)}`;
  for (let at = start + 1; at < start + width; at++) row += `,${literal(values[at] as SqlValue)}`;
  return `${row})`;
}
