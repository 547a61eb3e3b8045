import { atDeadline, deadlineIn, type Deadline } from "./deadline.ts";
import { MysqlConnection, type MysqlSession } from "./mysql-connection.ts";
import { MysqlUnavailable } from "./mysql-errors.ts";

/** Of one try; the server is silent after it. */
const CONNECT_MS = 2_000;
/** A connection that was not used for so long is closed; sooner than the server does it. */
const IDLE_MS = 10_000;

interface Waiter {
  /** Has a place in the pool now, and a connection if one was free. */
  serve(connection: MysqlConnection | null): void;
}

/** Connections to one server, opened when they are needed. Whoever waits for one is served in turn. */
export class MysqlPool {
  readonly #session: MysqlSession;
  readonly #size: number;
  /** The one used last stands at the end. */
  readonly #idle: { readonly connection: MysqlConnection; readonly since: number }[] = [];
  readonly #waiting = new Set<Waiter>();
  readonly #sweeper: NodeJS.Timeout;
  /** Those in use and those being opened. */
  #busy = 0;

  constructor(session: MysqlSession, size: number) {
    this.#session = session;
    this.#size = size;
    this.#sweeper = setInterval(() => this.#closeIdle(performance.now() - IDLE_MS), IDLE_MS / 2).unref();
  }

  /** The caller gives it back with `release`. @throws MysqlUnavailable */
  async acquire(deadline: Deadline): Promise<MysqlConnection> {
    const free = this.#idle.pop()?.connection;
    if (free) {
      this.#busy++;
      return free;
    }
    if (this.#busy < this.#size) this.#busy++;
    else {
      const served = await this.#turn(deadline);
      if (served) return served;
    }
    try {
      return await MysqlConnection.open(this.#session, Math.min(deadline, deadlineIn(CONNECT_MS)));
    } catch (error) {
      this.#leave(null);
      throw error;
    }
  }

  /** Takes back a connection without a transaction, or one that is gone. */
  release(connection: MysqlConnection): void {
    this.#leave(connection.isGone ? null : connection);
  }

  /** Cuts all that are not in use: they lead to a server that is silent, or that writes no more. */
  distrust(): void {
    for (const { connection } of this.#idle.splice(0)) this.#forget(connection);
  }

  /** Nobody may use the pool any more. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const idle = this.#idle.splice(0);
    for (const { connection } of idle) connection.onGone = () => undefined;
    await Promise.all(idle.map(({ connection }) => connection.close()));
  }

  /** Waits for a place: with a connection, or null when one is to be opened. */
  #turn(deadline: Deadline): Promise<MysqlConnection | null> {
    return new Promise((resolve, reject) => {
      const served = atDeadline(deadline, () => {
        this.#waiting.delete(waiter);
        reject(new MysqlUnavailable(`None of ${this.#size} connections to the database came free in time`));
      });
      const waiter: Waiter = {
        serve: (connection) => {
          served();
          resolve(connection);
        },
      };
      this.#waiting.add(waiter);
    });
  }

  /** A place comes free: for whoever has waited longest, else the connection stays for the next. */
  #leave(connection: MysqlConnection | null): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      return waiter.serve(connection);
    }
    this.#busy--;
    if (connection) this.#keep(connection);
  }

  #keep(connection: MysqlConnection): void {
    const entry = { connection, since: performance.now() };
    this.#idle.push(entry);
    connection.onGone = () => {
      const at = this.#idle.indexOf(entry);
      if (at >= 0) this.#idle.splice(at, 1);
    };
  }

  #closeIdle(before: number): void {
    while (this.#idle[0] && this.#idle[0].since < before) void this.#idle.shift()!.connection.close();
  }

  #forget(connection: MysqlConnection): void {
    connection.onGone = () => undefined;
    connection.destroy();
  }
}
