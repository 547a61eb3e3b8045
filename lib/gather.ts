export interface GatherOptions {
  /** Pieces of work that run at one time. Nothing waits for company while fewer run. */
  readonly parallel: number;
  /** Items of one piece of work; one call that has more is a piece by itself. */
  readonly maxItems: number;
}

interface Batch<T, R> extends PromiseWithResolvers<readonly R[]> {
  readonly items: T[];
}

/**
 * Makes of a function that answers each item of a list one whose concurrent calls share their work: what is asked for while
 * others run goes together into the next. `work` begins after it was asked for, and gives an answer for each item, in
 * their order; when it throws, everybody whose items were in it is told.
 */
export function gather<T, R>(
  work: (items: readonly T[]) => Promise<readonly R[]>,
  { parallel, maxItems }: GatherOptions,
): (items: readonly T[]) => Promise<readonly R[]> {
  const waiting: Batch<T, R>[] = [];
  let running = 0;

  const start = (): void => {
    while (running < parallel) {
      const batch = waiting.shift();
      if (!batch) return;
      running++;
      void (async () => work(batch.items))() // what it throws at once is for its callers too
        .then(batch.resolve, batch.reject)
        .finally(() => {
          running--;
          start();
        });
    }
  };

  return async (items) => {
    if (items.length === 0) return [];
    let batch = waiting.at(-1);
    if (!batch || batch.items.length + items.length > maxItems) {
      batch = { items: [], ...Promise.withResolvers<readonly R[]>() };
      waiting.push(batch);
      process.nextTick(start); // with all that is asked for in this turn of the event loop
    }
    const from = batch.items.length;
    batch.items.push(...items);
    const answers = await batch.promise;
    return answers.slice(from, from + items.length);
  };
}

/** As `gather`, for work that needs something to do it with: the calls that use the same one share their work. */
export function gatherOn<S extends object, T, R>(
  work: (source: S, items: readonly T[]) => Promise<readonly R[]>,
  options: GatherOptions,
): (source: S, items: readonly T[]) => Promise<readonly R[]> {
  const gathered = new WeakMap<S, (items: readonly T[]) => Promise<readonly R[]>>();
  return (source, items) => {
    let ask = gathered.get(source);
    if (!ask) gathered.set(source, (ask = gather((all) => work(source, all), options)));
    return ask(items);
  };
}
