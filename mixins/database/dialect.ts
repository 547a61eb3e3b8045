import type { Database } from "./port.ts";

/**
 * Ends a SELECT of a transaction that locks the rows it finds until the transaction ends, so that what it goes by stays so.
 * On SQLite only one transaction writes at a time, and there is nothing to lock.
 */
export const forUpdate = ({ dialect }: Pick<Database, "dialect">): string => (dialect === "mysql" ? " for update" : "");

/** Behind the name of a table: its rows are searched by this index, whatever the planner thinks of it. */
export const byIndex = ({ dialect }: Pick<Database, "dialect">, index: string): string =>
  dialect === "mysql" ? `force index (${index})` : `indexed by ${index}`;
