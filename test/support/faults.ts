import { AsyncLocalStorage } from "node:async_hooks";
import { MysqlError } from "../../mixins/database/mysql-errors.ts";
import type { Database } from "../../mixins/database/port.ts";

/** An error that another try can cure, as the database gives it when a lock is held for too long. */
export function busy({ dialect }: Database): Error {
  const words = "database is busy, says the test";
  return dialect === "sqlite"
    ? Object.assign(new Error(words), { errcode: 5 })
    : new MysqlError(1205, "ER_LOCK_WAIT_TIMEOUT", words);
}

/**
 * Makes every write of message rows fail.
 * @param error made for each write; transient unless given
 * @returns repairs it
 */
export function breakMessages(sql: Database, error: () => Error = () => busy(sql)): () => void {
  const insertRows = sql.insertRows.bind(sql);
  const bulkInsert = sql.bulkInsert.bind(sql);
  sql.insertRows = (table, ...rest) => (table === "message" ? Promise.reject(error()) : insertRows(table, ...rest));
  sql.bulkInsert = (table, rows) => (table === "message" ? Promise.reject(error()) : bulkInsert(table, rows));
  return () => void Object.assign(sql, { insertRows, bulkInsert });
}

/** Makes the database refuse message rows whose content holds this word, for good. @returns lifts it */
export async function refuseText(sql: Database, word: string): Promise<() => Promise<void>> {
  const names = ["insert", "update"].map((change) => `refuse_${word}_${change}`);
  for (const [i, change] of ["insert", "update"].entries()) {
    const when = `before ${change} on message`;
    const refusals = {
      sqlite: `${when} when new.content like '%${word}%' begin select raise(abort, 'refused by the test'); end`,
      mysql: `${when} for each row if new.content like '%${word}%' then signal sqlstate '45000' set message_text = 'refused by the test'; end if`,
    };
    await sql.execute(`create trigger ${names[i]} ${refusals[sql.dialect]}`);
  }
  return async () => {
    for (const name of names) await sql.execute(`drop trigger ${name}`);
  };
}

/** Holds up every batch of message rows on its way into the database. `held` resolves when there is one. */
export function holdMessages(sql: Database): { readonly held: Promise<void>; release(): void } {
  const bulkInsert = sql.bulkInsert.bind(sql);
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  sql.bulkInsert = async (table, ...rest) => {
    if (table === "message") {
      reached.resolve();
      await gate.promise;
    }
    return bulkInsert(table, ...rest);
  };
  return {
    held: reached.promise,
    release() {
      sql.bulkInsert = bulkInsert;
      gate.resolve();
    },
  };
}

/** Tells the transactions that some work begins from those of timers and of other work. */
const meant = new AsyncLocalStorage<Database>();

/** What stands before transactions: `of` runs the work whose transactions are meant. */
export interface MetTransactions {
  of<T>(work: () => Promise<T>): Promise<T>;
  restore(): void;
}

/** Stands before the transactions that some work begins; all others begin as ever. @param meet given what begins the transaction */
export function meetTransactions(sql: Database, meet: <T>(begin: () => Promise<T>) => Promise<T>): MetTransactions {
  const transaction = sql.transaction.bind(sql);
  sql.transaction = (work, options) => {
    const begin = () => transaction(work, options);
    return meant.getStore() === sql ? meet(begin) : begin();
  };
  return { of: (work) => meant.run(sql, work), restore: () => void Object.assign(sql, { transaction }) };
}

/** Holds up the first transactions that some work begins, this many. `reached` resolves when all are there. */
export function holdTransactions(
  sql: Database,
  count = 1,
): Pick<MetTransactions, "of"> & { readonly reached: Promise<void>; release(): void } {
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let there = 0;
  const { of, restore } = meetTransactions(sql, async (begin) => {
    if (++there === count) {
      restore();
      reached.resolve();
    }
    await gate.promise;
    return begin();
  });
  return { of, reached: reached.promise, release: gate.resolve };
}
