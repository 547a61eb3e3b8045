import type { Deadline } from "./deadline.ts";
import type { MysqlConnection } from "./mysql-connection.ts";
import { isRolledBack, MysqlUnavailable, OutcomeUnknown } from "./mysql-errors.ts";
import type { Tx } from "./port.ts";

/** A transaction that runs on its own connection. */
export class MysqlTransaction {
  readonly connection: MysqlConnection;
  readonly deadline: Deadline;
  readonly hooks: (() => void)[] = [];
  hasEnded = false;
  /** Why it can only be rolled back. */
  failure: Error | null = null;

  constructor(connection: MysqlConnection, deadline: Deadline) {
    this.connection = connection;
    this.deadline = deadline;
  }

  /** @throws when nothing more can be done in it */
  assertRunning(): void {
    if (this.hasEnded) throw new Error("The transaction has ended; every statement in it must be awaited");
    if (this.failure !== null) throw this.failure;
  }
}

export function transactionOf(tx: Tx): MysqlTransaction {
  if (tx instanceof MysqlTransaction) return tx;
  throw new TypeError("Not a transaction of this database");
}

/**
 * Runs `work` between BEGIN and COMMIT. Without an exception it is committed; the connection is as before, or gone.
 * @throws OutcomeUnknown when nobody can say whether it was committed
 */
export async function runTransaction<T>(
  transaction: MysqlTransaction,
  isSerializable: boolean,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { connection, deadline } = transaction;
  if (isSerializable) await connection.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", deadline);
  await connection.run("START TRANSACTION", deadline);
  let result: T;
  try {
    result = await work(transaction as unknown as Tx);
    transaction.hasEnded = true;
    if (transaction.failure !== null) throw transaction.failure;
  } catch (error) {
    transaction.hasEnded = true;
    await rollBack(connection, deadline);
    throw error;
  }
  await commit(connection, deadline);
  return result;
}

async function commit(connection: MysqlConnection, deadline: Deadline): Promise<void> {
  try {
    await connection.run("COMMIT", deadline);
  } catch (error) {
    const wasSent = !(error instanceof MysqlUnavailable) || connection.isGone;
    if (isRolledBack(error) || !wasSent) {
      await rollBack(connection, deadline);
      throw error;
    }
    connection.destroy();
    throw new OutcomeUnknown(`Nobody can say whether the transaction was committed: ${String(error)}`, { cause: error });
  }
}

/** A connection whose transaction cannot be ended is cut: the server rolls back then. */
async function rollBack(connection: MysqlConnection, deadline: Deadline): Promise<void> {
  await connection.run("ROLLBACK", deadline).catch(() => connection.destroy());
}
