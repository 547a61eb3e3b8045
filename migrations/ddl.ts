import type { MigrationContext } from "../mixins/database/migrate.ts";

/** What ends a CREATE TABLE: rows stored in the order of their primary key, text compared exactly. */
export function clustered({ dialect, collation }: MigrationContext): { end: string } {
  return { end: dialect === "sqlite" ? " without rowid" : ` engine=InnoDB default charset=utf8mb4 collate=${collation}` };
}

/** Spreads a table on MySQL over 16 files by a column of its primary key; what names no value of it asks all of them. */
export function partitionedBy({ dialect }: MigrationContext, column: string): string {
  return dialect === "sqlite" ? "" : ` partition by key (${column}) partitions 16`;
}

export async function runAll(db: MigrationContext, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await db.execute(statement);
}

/** Drops tables in the reverse of the order in which they were made. */
export async function dropTables(db: MigrationContext, tables: readonly string[]): Promise<void> {
  await runAll(
    db,
    tables.toReversed().map((table) => `drop table ${table}`),
  );
}
