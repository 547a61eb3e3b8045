/** Lets many act together, and now and then one alone. */
export class Turnstile {
  /** Ends when who acts alone, or waits to, has done so. */
  #alone: Promise<unknown> = Promise.resolve();
  readonly #acting = new Set<Promise<unknown>>();

  /** Acts beside others, once nobody acts alone or waits to; who came first acts first. */
  async together<T>(act: () => Promise<T>): Promise<T> {
    for (let seen: unknown; seen !== this.#alone; await this.#alone) seen = this.#alone;
    const acting = act();
    this.#acting.add(acting);
    return acting.finally(() => this.#acting.delete(acting));
  }

  /** Acts when all who act have ended. */
  alone<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#alone.then(() => Promise.allSettled(this.#acting)).then(act);
    this.#alone = acting.catch(() => undefined);
    return acting;
  }
}
