import type { RunnableMigration, Umzug, UmzugStorage } from "umzug";
import type { Database, Dialect, Tx } from "./port.ts";

/** What a migration works with. On SQLite each migration is one transaction; MySQL commits after each change of the schema. */
export interface MigrationContext {
  readonly dialect: Dialect;
  /** Runs one statement: plain SQL, where possible of the kind that both databases understand. */
  execute(sql: string): Promise<void>;
}

/** One step of the schema. */
export interface Migration {
  /** `NNNN-what`; migrations run in the order of their list. */
  readonly name: string;
  up(db: MigrationContext): Promise<void>;
  /** Undoes `up`. */
  down(db: MigrationContext): Promise<void>;
}

/** Another process may be migrating the same file meanwhile. */
const ATTEMPTS = 100;

export interface MigrationStatus {
  readonly name: string;
  /** Epoch milliseconds; null when it has not been applied. */
  readonly appliedAt: number | null;
}

/**
 * Applies what is pending, up to and including `to`, and returns the names. Safe to call from several processes at once:
 * each migration is recorded in its own transaction and left alone by who comes second.
 *
 * @throws when the database knows migrations that this version does not
 */
export async function migrateUp(
  db: Database,
  migrations: readonly Migration[],
  options: { to?: string } = {},
): Promise<string[]> {
  const status = await migrationStatus(db, migrations);
  if (status.every(({ appliedAt }) => appliedAt !== null)) return [];
  const applied: string[] = [];
  const umzug = await openUmzug(db, migrations, applied);
  await umzug.up(options);
  return applied;
}

/** Reverts the last migration, or all down to and including `to` (0: all of them), and returns the names. */
export async function migrateDown(
  db: Database,
  migrations: readonly Migration[],
  options: { to?: string | 0 } = {},
): Promise<string[]> {
  await migrationStatus(db, migrations);
  const reverted: string[] = [];
  const umzug = await openUmzug(db, migrations, reverted);
  await umzug.down(options);
  return reverted;
}

/** The state of every migration, oldest first. Makes the table that records them when it is not there. */
export async function migrationStatus(db: Database, migrations: readonly Migration[]): Promise<MigrationStatus[]> {
  await db.execute("CREATE TABLE IF NOT EXISTS migration (name VARCHAR(100) NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)");
  const rows = await db.select<{ name: string; applied_at: number }>("SELECT name, applied_at FROM migration ORDER BY name");
  const unknown = rows.find(({ name }) => !migrations.some((migration) => migration.name === name));
  if (unknown)
    throw new Error(`The database was made by a newer version: this one does not know its migration "${unknown.name}"`);
  const appliedAt = new Map(rows.map((row) => [row.name, Number(row.applied_at)]));
  return migrations.map(({ name }) => ({ name, appliedAt: appliedAt.get(name) ?? null }));
}

async function openUmzug(db: Database, migrations: readonly Migration[], done: string[]): Promise<Umzug<object>> {
  const { Umzug } = await import("umzug"); // only when something is to be done: it costs 100 ms of every start
  return new Umzug<object>({
    migrations: migrations.map((migration) => runnable(db, migration, done)),
    storage: storageOf(db),
    logger: undefined,
  });
}

function runnable(db: Database, migration: Migration, done: string[]): RunnableMigration<object> {
  const { name } = migration;
  return {
    name,
    up: () =>
      step(db, name, done, false, async (context, tx) => {
        await migration.up(context);
        await db.insertRows("migration", [{ name, applied_at: Date.now() }], "fail", tx);
      }),
    down: () =>
      step(db, name, done, true, async (context, tx) => {
        await migration.down(context);
        await db.execute("DELETE FROM migration WHERE name = :name", { name }, tx);
      }),
  };
}

/** Runs one migration and its record in one transaction, unless someone else was faster. */
async function step(
  db: Database,
  name: string,
  done: string[],
  isApplied: boolean,
  work: (context: MigrationContext, tx: Tx | undefined) => Promise<void>,
): Promise<void> {
  const attempt = async (tx?: Tx): Promise<boolean> => {
    const found = await db.select("SELECT name FROM migration WHERE name = :name", { name }, tx);
    if (found.length > 0 !== isApplied) return false;
    await work(contextOf(db, tx), tx);
    return true;
  };
  const ran = db.dialect === "sqlite" ? await db.transaction(attempt, { attempts: ATTEMPTS }) : await attempt();
  if (ran) done.push(name);
}

function contextOf(db: Database, tx: Tx | undefined): MigrationContext {
  return {
    dialect: db.dialect,
    execute: async (sql) => void (await db.execute(sql, {}, tx)),
  };
}

/** Each step records itself, in its own transaction; umzug only needs to read. */
function storageOf(db: Database): UmzugStorage<object> {
  return {
    executed: async () => (await db.select<{ name: string }>("SELECT name FROM migration ORDER BY name")).map(({ name }) => name),
    logMigration: () => Promise.resolve(),
    unlogMigration: () => Promise.resolve(),
  };
}
