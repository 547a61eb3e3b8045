/** Lets many act together, and now and then one alone, in the order in which they come. */
export class Turnstile {
  /** Ends when the last who acts alone has done so. */
  #alone: Promise<unknown> = Promise.resolve();
  readonly #acting = new Set<Promise<unknown>>();

  /** Acts beside others, after whoever came before to act alone. */
  together<T>(act: () => Promise<T>): Promise<T> {
    const acting = this.#alone.then(act);
    const forget = (): unknown => this.#acting.delete(acting);
    this.#acting.add(acting);
    acting.then(forget, forget);
    return acting;
  }

  /** Acts when all who came before have done so. */
  alone<T>(act: () => Promise<T>): Promise<T> {
    const before = [this.#alone, ...this.#acting];
    const acting = Promise.allSettled(before).then(act);
    this.#alone = acting.catch(() => undefined);
    return acting;
  }
}
