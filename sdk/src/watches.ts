/** Whom the parts of an application watch, as one list. */
export class Watches {
  readonly #watches = new Set<readonly string[]>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get userIds(): ReadonlySet<string> {
    return new Set([...this.#watches].flat());
  }

  /** @returns ends it */
  add(userIds: readonly string[]): () => void {
    const watch = [...userIds];
    this.#watches.add(watch);
    this.#onChange();
    return () => {
      if (this.#watches.delete(watch)) this.#onChange();
    };
  }

  clear(): void {
    this.#watches.clear();
    this.#onChange();
  }
}
