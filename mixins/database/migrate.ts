import type { RunnableMigration, Umzug, UmzugStorage } from "umzug";
import { assertNoneHalfReverted, createStepTable, MigrationSteps, type Direction } from "./migration-steps.ts";
import type { Database, Dialect, SchemaSession } from "./port.ts";

/**
 * What a migration works with. On SQLite each migration is one transaction. MySQL commits after each change of the schema: one
 * that was broken off goes on with its next statement, so a migration runs the same statements in the same order each time.
 */
export interface MigrationContext {
  readonly dialect: Dialect;
  /** See `SchemaSession`. */
  readonly collation: string | null;
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

export interface MigrationStatus {
  readonly name: string;
  /** Epoch milliseconds; null when it has not been applied. */
  readonly appliedAt: number | null;
}

/**
 * Applies what is pending, up to and including `to`, and returns the names. Safe to call from several processes at once:
 * each migration runs once, and who comes second leaves it alone.
 *
 * @throws when the database knows migrations that this version does not; a transient error when another process is at it for
 * long
 */
export async function migrateUp(
  db: Database,
  migrations: readonly Migration[],
  options: { to?: string } = {},
): Promise<string[]> {
  const status = await migrationStatus(db, migrations);
  await assertNoneHalfReverted(db);
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
  const rows = await recorded(db).catch(async (error: unknown) => {
    if (db.isTransient(error)) throw error;
    await createStepTable(db); // first: another node that finds the table of migrations reads this one too
    await db.execute("CREATE TABLE IF NOT EXISTS migration (name VARCHAR(100) NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)");
    return recorded(db);
  });
  const unknown = rows.find(({ name }) => !migrations.some((migration) => migration.name === name));
  if (unknown)
    throw new Error(`The database was made by a newer version: this one does not know its migration "${unknown.name}"`);
  const appliedAt = new Map(rows.map((row) => [row.name, Number(row.applied_at)]));
  return migrations.map(({ name }) => ({ name, appliedAt: appliedAt.get(name) ?? null }));
}

const recorded = (db: Database): Promise<{ name: string; applied_at: number }[]> =>
  db.select("SELECT name, applied_at FROM migration ORDER BY name");

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
  const run = async (direction: Direction): Promise<void> => {
    if (await db.exclusive((session) => runOnce(db.dialect, session, migration, direction))) done.push(name);
  };
  return { name, up: () => run("up"), down: () => run("down") };
}

/** Runs one migration and records it, unless someone else was faster. */
async function runOnce(dialect: Dialect, session: SchemaSession, migration: Migration, direction: Direction): Promise<boolean> {
  const { name } = migration;
  const found = await session.select("SELECT name FROM migration WHERE name = :name", { name });
  if (found.length > 0 === (direction === "up")) return false;
  const steps = dialect === "mysql" ? await MigrationSteps.open(session, name, direction) : null;
  const execute = async (sql: string): Promise<void> => void (await (steps ?? session).execute(sql));
  await migration[direction]({ dialect, collation: session.collation, execute });
  if (direction === "up")
    await session.execute("INSERT INTO migration (name, applied_at) VALUES (:name, :at)", { name, at: Date.now() });
  else await session.execute("DELETE FROM migration WHERE name = :name", { name });
  await steps?.done();
  return true;
}

/** Each migration records itself; umzug only needs to read. */
function storageOf(db: Database): UmzugStorage<object> {
  return {
    executed: async () => (await recorded(db)).map(({ name }) => name),
    logMigration: () => Promise.resolve(),
    unlogMigration: () => Promise.resolve(),
  };
}
