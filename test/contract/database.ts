import { randomUUID } from "node:crypto";
import type { DatabaseHarness, InTable } from "./database/harness.ts";
import { durability, openingAndClosing } from "./database/lifetime.ts";
import { transactions } from "./database/transactions.ts";
import { values } from "./database/values.ts";
import { writing } from "./database/writing.ts";

export type { DatabaseHarness };

/** A table of its own for each test, gone with it. */
async function usingTable(
  open: () => Promise<DatabaseHarness>,
  work: (harness: DatabaseHarness, table: string) => Promise<void>,
): Promise<void> {
  const harness = await open();
  const table = `t_${randomUUID().replaceAll("-", "")}`;
  try {
    await harness.db.execute(`CREATE TABLE ${table} (id VARCHAR(64) NOT NULL PRIMARY KEY, grp VARCHAR(32), n BIGINT, note TEXT)`);
    await harness.db.execute(`CREATE UNIQUE INDEX ${table}_grp ON ${table} (grp, n)`);
    await work(harness, table);
    await dropTable(harness, table);
  } finally {
    await harness.cleanup();
  }
}

/** The test may have closed its own instance. */
async function dropTable(harness: DatabaseHarness, table: string): Promise<void> {
  const again = await harness.reopen();
  await again.execute(`DROP TABLE ${table}`);
  await again.close();
}

/** Every promise of `mixins/database/port.ts`, for one implementation. */
export function databaseContract(name: string, open: () => Promise<DatabaseHarness>): void {
  const inTable: InTable = (work) => () => usingTable(open, work);
  transactions(name, inTable);
  durability(name, inTable);
  values(name, inTable);
  writing(name, inTable);
  openingAndClosing(name, inTable, open);
}
