import { createHash } from "node:crypto";
import type { Database, SqlParams, SqlTuple, Tx } from "./port.ts";

/**
 * Ends a SELECT of a transaction that locks the rows it finds until the transaction ends, so that what it goes by stays so.
 * On SQLite only one transaction writes at a time, and there is nothing to lock.
 */
export const forUpdate = ({ dialect }: Pick<Database, "dialect">): string => (dialect === "mysql" ? " for update" : "");

/**
 * A condition that finds rows by the values of several columns, for a list that is not empty. MySQL compares an id with a text
 * inside of tuples as floating point numbers, which takes neighbours among 64-bit ids for the same: there each value stands by itself.
 */
export function isAmong(
  { dialect }: Pick<Database, "dialect">,
  columns: readonly string[],
  tuples: readonly SqlTuple[],
): { readonly where: string; readonly params: SqlParams } {
  if (dialect === "sqlite") return { where: `(${columns.join(", ")}) in (:tuples)`, params: { tuples } };
  const nameOf = (row: number, column: string): string => `${column.replace(".", "_")}_${row}`;
  const one = (row: number): string => columns.map((column) => `${column} = :${nameOf(row, column)}`).join(" and ");
  return {
    where: `(${tuples.map((_, row) => `(${one(row)})`).join(" or ")})`,
    params: Object.fromEntries(tuples.flatMap((tuple, row) => columns.map((column, i) => [nameOf(row, column), tuple[i]!]))),
  };
}

/** Rows of the table `turn` at most. */
const SLOTS = 1_024;

/**
 * Transactions that take the same turn follow each other from here on, as all do on SQLite: for what no row stands for that
 * could be locked. A transaction takes one turn, before all else.
 */
export async function takeTurn(sql: Pick<Database, "dialect" | "insertRows">, tx: Tx, name: string): Promise<void> {
  if (sql.dialect === "sqlite") return;
  const slot = createHash("sha256").update(name).digest().readUInt32BE() % SLOTS;
  await sql.insertRows("turn", [{ slot }], "keep", tx);
}

/**
 * Behind the name of a table in a SELECT: reads it by this index ("primary": in the order of its key), whatever else may seem better.
 * SQLite knows no such word for the key: a condition on a column of another index goes by `unindexed` there.
 */
export const byIndex = ({ dialect }: Pick<Database, "dialect">, index: string): string => {
  if (dialect === "mysql") return `force index (${index})`;
  return index === "primary" ? "" : `indexed by ${index}`;
};

/** A column in a condition that SQLite is not to find rows by. */
export const unindexed = ({ dialect }: Pick<Database, "dialect">, column: string): string =>
  dialect === "sqlite" ? `+${column}` : column;

export interface UpdateFrom {
  readonly table: string;
  /** A table, or a SELECT in parentheses, with its name. Its columns have other names than those of `table`. */
  readonly source: string;
  readonly on: string;
  /** What a column becomes; no column that is set may stand on the right, MySQL sets them in any order. */
  readonly set: string;
}

/** An UPDATE that takes its values from other rows: many rows, each with values of its own, in one statement. */
export const updateFrom = ({ dialect }: Pick<Database, "dialect">, { table, source, on, set }: UpdateFrom): string =>
  dialect === "mysql"
    ? `update ${table} join ${source} on ${on} set ${set}`
    : `update ${table} set ${set} from ${source} where ${on}`;
