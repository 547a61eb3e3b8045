import { setTimeout as delay } from "node:timers/promises";
import { coalesce } from "../../lib/coalesce.ts";
import { deadlineIn, msLeft, type Deadline } from "./deadline.ts";
import type { MysqlAddress } from "./mysql-address.ts";
import type { MysqlConnection } from "./mysql-connection.ts";
import { isTransientMysql, NO_SUCH_TABLE, MysqlError } from "./mysql-errors.ts";
import { MysqlPool } from "./mysql-pool.ts";
import { inspectServer, servingSession } from "./mysql-server.ts";
import type { Row } from "./port.ts";

/** A replica that takes longer to catch up and answer leaves the read to the primary. */
const ANSWER_MS = 1_000;
/** It is behind when it has not caught up within this part of it. */
const CATCH_UP_MS = 500;
const POLL_MS = 10;
/** One that was away or behind is left in peace for so long. */
const AVOID_MS = 5_000;

const SET_MARK = `INSERT INTO replica_mark (id, mark) VALUES (1, LAST_INSERT_ID(1))
  ON DUPLICATE KEY UPDATE mark = LAST_INSERT_ID(mark + 1)`;
const READ_MARK = "SELECT mark FROM replica_mark WHERE id = 1";

type Run = <T>(work: (connection: MysqlConnection, deadline: Deadline) => Promise<T>, deadline: Deadline) => Promise<T>;
interface Asker {
  readonly deadline: Deadline;
  mark: number;
}

export interface ReplicaOptions {
  readonly address: MysqlAddress;
  readonly poolSize: number;
  /** Runs a statement on the primary. */
  readonly onPrimary: Run;
  readonly logger: { warn(...parts: unknown[]): void };
}

/**
 * A server that follows the primary. Before it answers a read, a mark is set on the primary and looked for on the replica:
 * when the mark is there, so is all that was committed before it, which relies on a replica that commits in the order of the
 * primary.
 */
export class MysqlReplica {
  readonly #options: ReplicaOptions;
  readonly #mark: (askers: readonly Asker[]) => Promise<void>;
  #pool: Promise<MysqlPool> | null = null;
  #avoidUntil = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    // Whoever asks while one mark is set needs a later one.
    this.#mark = coalesce(async (askers) => {
      const latest = Math.max(...askers.map(({ deadline }) => deadline));
      const { insertId } = await options.onPrimary((connection, deadline) => connection.run(SET_MARK, deadline), latest);
      for (const asker of askers) asker.mark = insertId;
    });
  }

  /** The rows; null when the primary has to be asked. @param shown stands for the statement in errors, without values */
  async rows(statement: string, shown: string, deadline: Deadline): Promise<Row[] | null> {
    if (performance.now() < this.#avoidUntil) return null;
    const asker = { mark: 0, deadline };
    await this.#mark([asker]);
    try {
      const rows = await this.#rowsBehind(asker.mark, statement, shown);
      if (rows === null) this.#avoid("is behind");
      return rows;
    } catch (error) {
      if (!isTransientMysql(error) && !(error instanceof MysqlError && error.errno === NO_SUCH_TABLE)) throw error;
      this.#avoid(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  async close(): Promise<void> {
    await (await this.#pool?.catch(() => null))?.close();
  }

  async #rowsBehind(mark: number, statement: string, shown: string): Promise<Row[] | null> {
    const deadline = deadlineIn(ANSWER_MS);
    const pool = await this.#opened(deadline);
    const connection = await pool.acquire(deadline);
    try {
      if (!(await hasMark(connection, mark, deadlineIn(CATCH_UP_MS)))) return null;
      return await connection.rows(statement, deadline, shown);
    } finally {
      pool.release(connection);
    }
  }

  #opened(deadline: Deadline): Promise<MysqlPool> {
    const { address, poolSize } = this.#options;
    this.#pool ??= inspectServer(address, deadline).then(
      (server) => new MysqlPool(servingSession(address, server), poolSize),
      (error: unknown) => {
        this.#pool = null;
        throw error;
      },
    );
    return this.#pool;
  }

  #avoid(reason: string): void {
    this.#avoidUntil = performance.now() + AVOID_MS;
    this.#options.logger.warn(`The read replica ${reason}: the primary answers meanwhile`);
  }
}

/** Waits for the mark, until the deadline. */
async function hasMark(connection: MysqlConnection, mark: number, deadline: Deadline): Promise<boolean> {
  for (;;) {
    const [row] = await connection.rows(READ_MARK, deadline);
    if (Number(row?.mark ?? 0) >= mark) return true;
    if (msLeft(deadline) < 2 * POLL_MS) return false;
    await delay(POLL_MS);
  }
}
