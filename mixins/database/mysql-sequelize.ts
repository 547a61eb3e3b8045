import { EventEmitter } from "node:events";
import type { TypeCast } from "mysql2";
import { Sequelize } from "sequelize";
import { deadlineIn } from "./deadline.ts";
import { MysqlConnection, type MysqlSession } from "./mysql-connection.ts";
import { MysqlError } from "./mysql-errors.ts";
import type { MysqlKeys } from "./mysql-keys.ts";

/** Models are for plain tables, and have their connections beside those of the port. */
const POOL = { max: 5, min: 0, idle: 10_000 };
const CONNECT_MS = 2_000;

type Done = (error: unknown, result?: unknown) => void;

export interface ModelOptions {
  readonly session: MysqlSession;
  readonly keys: MysqlKeys;
  /** A statement that is not answered within this time cuts its connection. */
  readonly callMs: number;
}

/** Sequelize on sessions like those of the port. */
export function openModels(options: ModelOptions): Sequelize {
  const { session, callMs } = options;
  return new Sequelize({
    dialect: "mysql",
    dialectModule: { createConnection: ({ typeCast }: { typeCast?: TypeCast }) => new ModelConnection(options, typeCast) },
    host: session.address.host,
    port: session.address.port,
    pool: { ...POOL, acquire: callMs },
    logging: false,
  });
}

/** The part of the interface of a `mysql2` connection that Sequelize 6 uses. */
class ModelConnection extends EventEmitter {
  /** Where Sequelize looks whether the connection can be used again. */
  readonly stream = { destroyed: false };
  readonly #options: ModelOptions;
  readonly #opened: Promise<MysqlConnection>;

  constructor(options: ModelOptions, typeCast: TypeCast | undefined) {
    super();
    this.#options = options;
    this.#opened = MysqlConnection.open(options.session, deadlineIn(CONNECT_MS), { typeCast });
    this.#opened.then(
      (connection) => {
        connection.onGone = () => this.#lost();
        this.emit("connect");
      },
      (error: unknown) => this.emit("error", error),
    );
  }

  query(statement: string | { readonly sql: string }, done: Done): this {
    return this.#run(typeof statement === "string" ? statement : statement.sql, undefined, done);
  }

  execute(sql: string, values: readonly unknown[], done: Done): this {
    return this.#run(sql, values, done);
  }

  end(done: Done): void {
    this.#opened.then((connection) => connection.close()).then(() => done(null), done);
  }

  #run(sql: string, values: readonly unknown[] | undefined, done: Done): this {
    this.#answer(sql, values).then((result) => done(null, result), done);
    return this;
  }

  async #answer(sql: string, values: readonly unknown[] | undefined): Promise<unknown> {
    const { keys, callMs } = this.#options;
    const deadline = deadlineIn(callMs);
    const connection = await this.#opened;
    try {
      return await connection.answer(sql, values, deadline);
    } catch (error) {
      await keys.explain(error, sql, connection, deadline);
      throw error instanceof MysqlError ? inSequelizesWords(error) : error;
    }
  }

  #lost(): void {
    this.stream.destroyed = true;
    if (this.listenerCount("error") > 0)
      this.emit("error", Object.assign(new Error("The connection was lost"), { code: "PROTOCOL_CONNECTION_LOST" }));
  }
}

/** Sequelize reads the name of a unique key from the text of the server, which holds the value as well. */
function inSequelizesWords(error: MysqlError): MysqlError {
  if (error.key !== null) error.message = `Duplicate entry '' for key '${error.key}'`;
  return error;
}
