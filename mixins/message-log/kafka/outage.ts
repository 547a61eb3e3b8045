import type { LogLogger } from "./client.ts";
import { reasonOf } from "./errors.ts";

/** Tells of an outage once, however many tries fail in it, and once that it is over. */
export class Outage {
  readonly #logger: LogLogger;
  readonly #begins: string;
  readonly #ends: string;
  #since: number | null = null;

  constructor(logger: LogLogger, begins: string, ends: string) {
    this.#logger = logger;
    this.#begins = begins;
    this.#ends = ends;
  }

  failed(error: unknown): void {
    const line = `${this.#begins}: ${reasonOf(error)}`;
    if (this.#since !== null) {
      this.#logger.debug(line);
      return;
    }
    this.#since = performance.now();
    this.#logger.warn(`${line}. It is tried again until it can`);
  }

  over(): void {
    if (this.#since === null) return;
    const seconds = Math.round((performance.now() - this.#since) / 1_000);
    this.#since = null;
    this.#logger.info(`${this.#ends}, after ${seconds} s`);
  }
}
