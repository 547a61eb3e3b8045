import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { BoundStatement } from "./named-params.ts";
import type { Rows } from "./rows.ts";

export interface BulkRequest extends Rows {
  readonly table: string;
  /** Nothing is written when this finds a row. */
  readonly unless?: BoundStatement | null;
}
/** null, or what went wrong; nothing was written then. */
export type BulkAnswer = { message: string; errcode: number | undefined } | null;

/** The thread's code, in the checkout or built. */
const threadCode = new URL(`./sqlite-bulk-thread${extname(import.meta.filename)}`, import.meta.url);

/**
 * Inserts many rows in a transaction of its own, on a thread of its own: insert, commit, sync and checkpoint took 36 % of the
 * main thread's time under load. The caller holds the file's write lock, so there is one request at a time.
 */
export class BulkWriter {
  readonly #file: string;
  readonly #tuning: string;
  readonly #code: URL;
  #thread: Worker | null = null;

  /** @param tuning statements for the thread's connection */
  constructor(file: string, tuning: string, code = threadCode) {
    this.#file = file;
    this.#tuning = tuning;
    this.#code = code;
  }

  /** Resolves when all rows are on disk. @throws SQLite's error, with its `errcode`; nothing was written then */
  async insert(request: BulkRequest): Promise<void> {
    const answer = await this.#ask((this.#thread ??= this.#start()), request);
    if (answer) throw Object.assign(new Error(answer.message), { code: "ERR_SQLITE_ERROR", errcode: answer.errcode });
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (!thread) return;
    this.#thread = null;
    const gone = once(thread, "exit");
    thread.ref();
    thread.postMessage("close");
    await gone;
  }

  /** The thread alone keeps no process alive. */
  #start(): Worker {
    const workerData = { file: this.#file, tuning: this.#tuning };
    const thread = new Worker(this.#code, { workerData, execArgv: [], name: "database" });
    thread.on("error", () => undefined); // "exit" follows, and whoever waits is told there
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = null;
    });
    thread.unref();
    return thread;
  }

  #ask(thread: Worker, request: BulkRequest): Promise<BulkAnswer> {
    return new Promise((resolve) => {
      const done = (answer: BulkAnswer): void => {
        thread.off("exit", died);
        thread.off("message", done);
        thread.unref();
        resolve(answer);
      };
      // SQLITE_IOERR: whether it was committed is unknown, another try finds out.
      const died = (): void => done({ message: "the thread that writes has died", errcode: 10 });
      thread.on("exit", died);
      thread.on("message", done);
      thread.ref();
      thread.postMessage(request);
    });
  }
}
