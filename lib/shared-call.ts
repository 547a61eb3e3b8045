/** Makes of a function one whose calls share the outcome of the call that is under way. */
export function sharedCall<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= work().finally(() => (running = null)));
}
