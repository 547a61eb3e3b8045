/**
 * Makes of a function that works on a list one whose concurrent calls share their work: what is asked for while one call runs
 * goes together into the next. Each caller's promise settles with the call that took its items, and with its result.
 */
export function coalesce<T, R = void>(work: (items: readonly T[]) => Promise<R>): (items: readonly T[]) => Promise<R> {
  let next: { items: T[]; done: Promise<R> } | null = null;
  let running: Promise<unknown> = Promise.resolve();

  return (items) => {
    if (next) {
      next.items.push(...items);
      return next.done;
    }
    const batch: T[] = [...items];
    const done = running.then(() => {
      next = null;
      return work(batch);
    });
    running = done.catch(() => undefined); // its callers are told
    next = { items: batch, done };
    return done;
  };
}
