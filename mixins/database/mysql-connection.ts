import { connect, type Socket } from "node:net";
import { createConnection } from "mysql2";
import type { Connection, ConnectionOptions, ExecuteValues, ResultSetHeader } from "mysql2";
import { within } from "../../lib/within.ts";
import { atDeadline, msLeft, type Deadline } from "./deadline.ts";
import { describeAddress, type MysqlAddress } from "./mysql-address.ts";
import { endsSession, isServerAnswer, MysqlUnavailable, toMysqlError } from "./mysql-errors.ts";
import type { Row } from "./port.ts";

const GOODBYE_MS = 500;
const TLS = { rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2" };

/** How a session is made. */
export interface MysqlSession {
  readonly address: MysqlAddress;
  /** Run in a new session before anything else. */
  readonly setup: readonly string[];
}

/** What a statement did. */
export interface Outcome {
  /** Rows that were found to be changed, also those that had the new values already; inserted or deleted rows. */
  readonly affected: number;
  /** What the statement gave to LAST_INSERT_ID(), else 0. */
  readonly insertId: number;
}

const MAX_PREPARED = 100;

/** One session on the server. A statement that is not answered by its deadline ends it. */
export class MysqlConnection {
  readonly #connection: Connection;
  readonly #socket: Socket;
  /** Of statements that were sent and not answered. */
  readonly #waiting = new Set<(error: Error) => void>();
  #lost: MysqlUnavailable | null = null;
  /** Called once when the session is gone, by whatever cause. */
  onGone: () => void = () => undefined;

  /** @throws MysqlUnavailable, also when the server refuses the sign-in; nothing is left behind then */
  static async open(
    { address, setup }: MysqlSession,
    deadline: Deadline,
    reading: Pick<ConnectionOptions, "typeCast"> = {},
  ): Promise<MysqlConnection> {
    const opened = new MysqlConnection(address, reading);
    try {
      await opened.#signedIn(deadline, address);
      for (const statement of setup) await opened.run(statement, deadline);
      return opened;
    } catch (error) {
      opened.destroy();
      throw error;
    }
  }

  private constructor(address: MysqlAddress, reading: Pick<ConnectionOptions, "typeCast">) {
    const { host, port, user, password, database } = address;
    // Our own, so that it can be cut at once: the library waits for the other side.
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#connection = createConnection({
      ...{ host, user, password, database },
      ...(address.isEncrypted && { ssl: TLS }),
      charset: "UTF8MB4_GENERAL_CI",
      // The library makes room for all of them with each connection, 0.5 MB for its 16,000: an outage with its many tries to
      // connect made a node grow by 300 MB. Only the statements of models are prepared.
      maxPreparedStatements: MAX_PREPARED,
      supportBigNumbers: true,
      bigNumberStrings: false,
      // Without it an insert that keeps what is there counts only what is new; what an update has found is in its answer.
      flags: ["-FOUND_ROWS"],
      stream: () => this.#socket,
      ...reading,
    });
  }

  get isGone(): boolean {
    return this.#lost !== null;
  }

  /** Runs a statement that gives rows. @param shown stands for it in errors, without values */
  async rows(sql: string, deadline: Deadline, shown = sql): Promise<Row[]> {
    return (await this.#send(sql, deadline, shown)) as Row[];
  }

  /** Runs a statement that gives no rows. @param shown stands for it in errors, without values */
  async run(sql: string, deadline: Deadline, shown = sql): Promise<Outcome> {
    const { affectedRows, info, insertId } = (await this.#send(sql, deadline, shown)) as ResultSetHeader;
    const matched = /^Rows matched: (\d+)/.exec(info)?.[1];
    return { affected: matched === undefined ? affectedRows : Number(matched), insertId };
  }

  /** Runs a statement for a model. @param values sent apart from it, when there are some */
  answer(sql: string, values: readonly unknown[] | undefined, deadline: Deadline): Promise<unknown> {
    return this.#send(sql, deadline, sql, values);
  }

  /** Cuts the connection. What runs is rolled back by the server once it sees that, unless it was committed. */
  destroy(): void {
    this.#end("The connection was cut");
  }

  /** Says good-bye before it cuts the connection. */
  async close(): Promise<void> {
    if (this.#lost) return;
    const said = new Promise<void>((resolve) => this.#connection.end(() => resolve()));
    await within(GOODBYE_MS, said);
    this.destroy();
  }

  #signedIn(deadline: Deadline, address: MysqlAddress): Promise<void> {
    const signedIn = Promise.withResolvers<void>();
    const fail = (error: Error): void =>
      signedIn.reject(new MysqlUnavailable(`${describeAddress(address)} cannot be reached: ${error.message}`));
    const answered = atDeadline(deadline, () => fail(new Error("it does not answer")));
    this.#connection.once("connect", () => signedIn.resolve());
    this.#connection.on("error", (error: Error) => {
      fail(error);
      this.#end(`The connection was lost: ${error.message}`);
    });
    this.#connection.on("end", () => {
      fail(new Error("it closes the connection"));
      this.#end("The server closed the connection");
    });
    return signedIn.promise.finally(answered);
  }

  #send(sql: string, deadline: Deadline, shown: string, values?: readonly unknown[]): Promise<unknown> {
    if (this.#lost) return Promise.reject(this.#lost);
    if (msLeft(deadline) === 0) return Promise.reject(new MysqlUnavailable("No time was left to ask the database"));
    return new Promise((resolve, reject) => {
      const answered = atDeadline(deadline, () => this.#end("The database did not answer in time"));
      const fail = (error: Error): void => {
        answered();
        reject(error);
      };
      this.#waiting.add(fail);
      const done = (error: Error | null, result: unknown): void => {
        this.#waiting.delete(fail);
        if (error) return fail(this.#failure(error, shown));
        answered();
        resolve(result);
      };
      if (values === undefined) this.#connection.query({ sql }, done);
      else this.#connection.execute(sql, values as ExecuteValues[], done);
    });
  }

  #failure(error: Error, shown: string): Error {
    if (isServerAnswer(error) && !endsSession(error)) return toMysqlError(error, shown);
    this.#end(`The connection was lost: ${error.message}`);
    return this.#lost!;
  }

  #end(reason: string): void {
    if (this.#lost) return;
    this.#lost = new MysqlUnavailable(reason);
    this.#connection.destroy();
    this.#socket.destroy();
    for (const fail of this.#waiting) fail(this.#lost);
    this.#waiting.clear();
    this.onGone();
  }
}
