import type { MigrationContext } from "../mixins/database/migrate.ts";
import type { Dialect } from "../mixins/database/port.ts";

/** What ends a CREATE TABLE: rows stored in the order of their primary key, text compared byte by byte. */
export function clustered(dialect: Dialect): { end: string } {
  return { end: dialect === "sqlite" ? " without rowid" : " engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin" };
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
