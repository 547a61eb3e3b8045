import { escape } from "mysql2";
import { inlineNamed } from "./named-params.ts";
import type { SqlParams, SqlValue } from "./port.ts";

/** An empty list also makes `NOT IN` true for everything, which `IN (NULL)` would not. */
const LISTS = { empty: "SELECT NULL FROM dual WHERE 1 = 0", tuples: "" };

/**
 * Writes a value into a statement. Every session has utf8mb4 and no NO_BACKSLASH_ESCAPES, on which this relies. Sent in the
 * text protocol, a number stays whole, LIMIT takes it, and nothing is left prepared on the server.
 */
export function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return escape(value);
  if (!Number.isFinite(value)) throw new Error(`Not a number that SQL knows: ${value}`);
  return String(value);
}

export const statementOf = (sql: string, params: SqlParams): string => inlineNamed(sql, params, LISTS, literal);
