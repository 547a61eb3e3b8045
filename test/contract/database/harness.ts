import type { Database } from "../../../mixins/database/port.ts";

/** One implementation, freshly opened, and what the suite needs beside the port. */
export interface DatabaseHarness {
  readonly db: Database;
  /** Opens the same data once more, as a node that starts again would. */
  readonly reopen: () => Promise<Database>;
  /** A session outside this process's port takes the locks that a writer of `table` needs; the result gives them back. */
  readonly blockWrites: (table: string) => Promise<() => Promise<void>>;
  /** Arguments with which `writer.ts` opens the same data. */
  readonly writerArguments: readonly string[];
  readonly cleanup: () => Promise<void>;
}

/** Wraps the body of a test, which gets a table of its own. */
export type InTable = (work: (harness: DatabaseHarness, table: string) => Promise<void>) => () => Promise<void>;

export const row = (id: string, n: number | string | null = null, note: string | null = null) => ({ id, grp: "g", n, note });

export async function count(db: Database, table: string): Promise<number> {
  const [found] = await db.select<{ c: number }>(`SELECT COUNT(*) AS c FROM ${table}`);
  return found?.c ?? -1;
}
