/** Runs what is given for one key one after the other, in the order in which it was given; different keys do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves as `work` does, which begins when what was given for the key before has ended, however it did. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work, work);
    this.#last.set(key, done);
    const forget = (): void => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Whether something given for the key runs or waits. */
  isTaken(key: string): boolean {
    return this.#last.has(key);
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.allSettled(this.#last.values());
  }
}
