import type { Socket as Connection } from "engine.io";
import type { ServerEventName, ServerEventPayload } from "../../contracts/socket-events.ts";
import { bytesOf, TurnWebSocket } from "./turn-transport.ts";

type Data = Parameters<Connection["write"]>[0];
type Options = Parameters<Connection["write"]>[1];
type Callback = Parameters<Connection["write"]>[2];
type Write = Connection["write"];

/** How far one connection may be behind. */
export interface QueueBounds {
  /** Bytes queued for it, beyond which pushes are dropped. */
  readonly syncBytes: number;
  /** Bytes queued and dropped, beyond which it is cut. */
  readonly cutBytes: number;
}

/** Hears of what is done to slow readers. */
export interface QueueWatch {
  dropped(): void;
  toldToSync(): void;
  cut(): void;
}

/** First character of what Engine.IO carries: an event of the server. Answers, and what Socket.IO says of itself, have others. */
const EVENT = "2";
const encoded = <E extends ServerEventName>(event: E, payload: ServerEventPayload<E>): string =>
  `${EVENT}${JSON.stringify([event, payload])}`;
const SYNC_NEEDED = encoded("sync:needed", { reason: "slow" });
/** Nobody finds out by a sync that the session has ended. */
const SESSION_ENDED = `${EVENT}["session:ended"`;

/**
 * What waits to be written to one connection, and what becomes of pushes to one that reads too slowly (W19).
 *
 * Beyond the first bound pushes are dropped, until less than half of it waits; then one `sync:needed` stands in their place,
 * behind all that was dropped, so that a sync after it brings everything. Answers and `session:ended` still go. A connection
 * that is so slow that what it has and what was dropped meanwhile reach the second bound is cut.
 */
export class SendQueue {
  readonly #connection: Connection;
  readonly #bounds: QueueBounds;
  readonly #watch: QueueWatch;
  readonly #write: Write;
  /** In the buffer of Engine.IO. */
  #waiting = 0;
  /** Since it became slow. */
  #dropped = 0;
  #isSlow = false;
  #isCut = false;

  /** From now on it decides about all that is written to the connection. */
  constructor(connection: Connection, bounds: QueueBounds, watch: QueueWatch) {
    this.#connection = connection;
    this.#bounds = bounds;
    this.#watch = watch;
    this.#write = connection.write.bind(connection);
    connection.write = (data, options, callback) => this.#offer(data, options, callback);
    connection.on("flush", () => (this.#waiting = 0));
  }

  /** Bytes that wait in this process, as far as they are known: a polling client takes its answer past this count. */
  bytes(): number {
    const { transport } = this.#connection;
    return this.#waiting + (transport instanceof TurnWebSocket ? transport.queuedBytes : 0);
  }

  /** Ends the time of a slow reader that has caught up; call it now and then, or nothing but the next push does. */
  settle(): void {
    if (!this.#isSlow || this.#isCut || this.bytes() >= this.#bounds.syncBytes / 2) return;
    this.#isSlow = false;
    this.#dropped = 0;
    this.#watch.toldToSync();
    this.#enqueue(SYNC_NEEDED, SYNC_NEEDED.length, undefined, undefined);
  }

  #offer(data: Data, options: Options, callback: Callback): Connection {
    if (this.#isCut || this.#connection.readyState !== "open") return this.#connection;
    this.settle();
    const bytes = bytesOf(data, options);
    const behind = this.bytes() + bytes;
    const isPush = typeof data === "string" && data.startsWith(EVENT);
    if (isPush && behind > this.#bounds.syncBytes) this.#isSlow = true;
    if (behind + this.#dropped > this.#bounds.cutBytes) return this.#cut();
    if (!isPush || !this.#isSlow || data.startsWith(SESSION_ENDED)) return this.#enqueue(data, bytes, options, callback);
    this.#dropped += bytes;
    this.#watch.dropped();
    return this.#connection;
  }

  #enqueue(data: Data, bytes: number, options: Options, callback: Callback): Connection {
    this.#waiting += bytes;
    return this.#write(data, options, callback);
  }

  /** A little later, since whoever writes may be on its way through all connections. */
  #cut(): Connection {
    this.#isCut = true;
    this.#watch.cut();
    process.nextTick(() => {
      const { transport } = this.#connection;
      if (transport instanceof TurnWebSocket) transport.abort();
      else this.#connection.close(true);
    });
    return this.#connection;
  }
}

/** The queues of all connections of a gateway. */
export class SendQueues {
  readonly #bounds: QueueBounds;
  readonly #watch: QueueWatch;
  readonly #queues = new Set<SendQueue>();

  constructor(bounds: QueueBounds, watch: QueueWatch) {
    this.#bounds = bounds;
    this.#watch = watch;
  }

  add(connection: Connection): void {
    const queue = new SendQueue(connection, this.#bounds, this.#watch);
    this.#queues.add(queue);
    connection.once("close", () => this.#queues.delete(queue));
  }

  settle(): void {
    for (const queue of this.#queues) queue.settle();
  }

  bytes(): number {
    let sum = 0;
    for (const queue of this.#queues) sum += queue.bytes();
    return sum;
  }
}
