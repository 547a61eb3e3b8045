interface Waiter {
  readonly target: number;
  readonly resolve: (isSettled: boolean) => void;
}

/** How far a group is with what it was given. */
export class Progress {
  #given = 0;
  #handled = 0;
  #waiters: Waiter[] = [];

  /** Given and not handled yet. */
  get lag(): number {
    return this.#given - this.#handled;
  }

  give(count: number): void {
    this.#given += count;
  }

  handle(count: number): void {
    this.#handled += count;
    const isDone = ({ target }: Waiter): boolean => target <= this.#handled;
    if (!this.#waiters.some(isDone)) return;
    const done = this.#waiters.filter(isDone);
    this.#waiters = this.#waiters.filter((waiter) => !isDone(waiter));
    for (const { resolve } of done) resolve(true);
  }

  /** true once all that was given so far is handled, false when that takes longer than `timeoutMs`. */
  settled(timeoutMs: number): Promise<boolean> {
    if (this.lag === 0) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = { target: this.#given, resolve };
    this.#waiters.push(waiter);
    const timer = setTimeout(() => {
      this.#waiters = this.#waiters.filter((one) => one !== waiter);
      resolve(false);
    }, timeoutMs);
    return promise.finally(() => clearTimeout(timer));
  }
}
