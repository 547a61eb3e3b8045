/** Listeners by event. One that throws does not keep the others from hearing; its error goes to `onError`. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void = reportLater) {
    this.#onError = onError;
  }

  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): () => void {
    const own = (payload: Events[E]): void => listener(payload); // the same function twice is two listeners
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(own));
    return () => void listeners.delete(own);
  }

  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])] as ((payload: Events[E]) => void)[]) {
      try {
        listener(payload);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/** As an uncaught error, where the application sees it. */
export function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
