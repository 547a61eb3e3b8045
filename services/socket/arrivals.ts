import type { Socket as Connection } from "engine.io";
import { ARRIVAL_WAIT_MS, ARRIVALS_AT_ONCE, SOCKET_CONNECT_TIMEOUT_MS } from "../../config/limits.ts";
import { createLimiter } from "../../lib/concurrency.ts";
import { imError } from "../../lib/errors.ts";
import type { ImSocket } from "./types.ts";

/**
 * Lets connections in and answers their syncs, a bounded number at one time. When thousands come back at once each is served in its
 * turn, and within its time; were all served together, none would be, and their next tries would come on top. Who is in goes
 * before who waits to be let in: only that ends the rush.
 */
export class Arrivals {
  readonly #turns = createLimiter({ concurrency: ARRIVALS_AT_ONCE, maxWaitMs: ARRIVAL_WAIT_MS });
  /** Of connections that have not said who they are. */
  readonly #timers = new WeakMap<Connection, NodeJS.Timeout>();

  /** Closes a new connection unless it says who it is in time. */
  expect(connection: Connection): void {
    const timer = setTimeout(() => connection.close(), SOCKET_CONNECT_TIMEOUT_MS).unref();
    this.#timers.set(connection, timer);
    connection.once("close", () => clearTimeout(timer));
  }

  /** Lets a connection that said who it is in, when its turn comes. @throws UNAVAILABLE when that is too late; what `work` throws */
  letIn(socket: ImSocket, work: () => Promise<void>): Promise<void> {
    clearTimeout(this.#timers.get(socket.conn));
    return this.#turns.run(work);
  }

  /** Does something for a connection that is in, when its turn comes. @throws UNAVAILABLE when it has gone; what `work` throws */
  serve<T>(socket: ImSocket, work: () => Promise<T>): Promise<T> {
    const unlessGone = (): Promise<T> => (socket.connected ? work() : Promise.reject(imError("UNAVAILABLE")));
    return this.#turns.run(unlessGone, { isUrgent: true });
  }
}
