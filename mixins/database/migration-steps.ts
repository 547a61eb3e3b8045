import { MysqlError } from "./mysql-errors.ts";
import type { Database, SchemaSession } from "./port.ts";

/** What the server answers to a change of the schema that it has made before: table, column or key is there, or is gone. */
const DONE_BEFORE = new Set([1050, 1060, 1061, 1051, 1091]);

const TABLE = `CREATE TABLE IF NOT EXISTS migration_step
  (run VARCHAR(110) NOT NULL PRIMARY KEY, begun INTEGER NOT NULL, failed INTEGER NOT NULL)`;

export type Direction = "up" | "down";

const runOf = (name: string, direction: Direction): string => `${direction} ${name}`;

/**
 * Runs the statements of one migration on a database that commits each change of the schema by itself (MySQL), and notes how
 * far it got: broken off, by whatever cause, it goes on from there. A statement of which nobody knows whether it was done is
 * run again and may find that it was; so one that is no change of the schema must bear to be run twice.
 */
export class MigrationSteps {
  readonly #session: SchemaSession;
  readonly #run: string;
  /** The statement that was begun last before; those in front of it were done. */
  readonly #begun: number;
  /** Whether that one is known not to have been done. */
  readonly #failed: boolean;
  #at = 0;

  static async open(session: SchemaSession, name: string, direction: Direction): Promise<MigrationSteps> {
    await session.execute("DELETE FROM migration_step WHERE run = :run", {
      run: runOf(name, direction === "up" ? "down" : "up"),
    });
    const run = runOf(name, direction);
    const [row] = await session.select<{ begun: number; failed: number }>(
      "SELECT begun, failed FROM migration_step WHERE run = :run",
      { run },
    );
    if (!row) await session.execute("INSERT INTO migration_step (run, begun, failed) VALUES (:run, 0, 0)", { run });
    return new MigrationSteps(session, run, row?.begun ?? 0, row?.failed === 1);
  }

  private constructor(session: SchemaSession, run: string, begun: number, failed: boolean) {
    this.#session = session;
    this.#run = run;
    this.#begun = begun;
    this.#failed = failed;
  }

  async execute(sql: string): Promise<void> {
    const at = ++this.#at;
    if (at < this.#begun) return;
    const isUncertain = at === this.#begun && !this.#failed;
    await this.#note(at, 0);
    try {
      await this.#session.execute(sql);
    } catch (error) {
      if (!(error instanceof MysqlError)) throw error;
      if (isUncertain && DONE_BEFORE.has(error.errno)) return;
      await this.#note(at, 1);
      throw error;
    }
  }

  /** The migration is recorded, or its record is gone. */
  async done(): Promise<void> {
    await this.#session.execute("DELETE FROM migration_step WHERE run = :run", { run: this.#run });
  }

  async #note(begun: number, failed: number): Promise<void> {
    await this.#session.execute("UPDATE migration_step SET begun = :begun, failed = :failed WHERE run = :run", {
      begun,
      failed,
      run: this.#run,
    });
  }
}

export async function createStepTable(db: Database): Promise<void> {
  if (db.dialect === "mysql") await db.execute(TABLE);
}

/** @throws when a migration was being reverted and is neither there nor gone */
export async function assertNoneHalfReverted(db: Database): Promise<void> {
  if (db.dialect !== "mysql") return;
  const rows = await db.select<{ run: string }>("SELECT run FROM migration_step WHERE run >= 'down ' AND run < 'down!'");
  const [half] = rows;
  if (half) throw new Error(`The database is half reverted, "${half.run}" was broken off: revert it again to go on`);
}
