const REMEMBERED = 10_000;

/** Does work while no other node does any for this group. */
export type Exclusively = (groupId: string, work: () => Promise<void>) => Promise<void>;

/**
 * Sees to it that this node announces each change once, the changes of one group in the order in which they were handed in,
 * and while no other node announces one of it: else a join that is announced late could undo a removal.
 * A change whose announcement failed may be handed in again.
 */
export class AnnouncementQueue {
  readonly #exclusively: Exclusively;
  readonly #inWork = new Map<string, Promise<void>>();
  readonly #lastOf = new Map<string, Promise<void>>();
  /** Events whose announcement succeeded lately, oldest first. */
  readonly #done = new Set<string>();

  constructor(exclusively: Exclusively = (_groupId, work) => work()) {
    this.#exclusively = exclusively;
  }

  /**
   * Resolves when the change is announced, by this or an earlier call.
   * @param onFailed runs when `announce` threw or could not begin, once for all who wait and before the group's next change; another
   * node may announce one meanwhile
   * @throws what `announce` throws, whatever `onFailed` does
   */
  once(eventId: string, groupId: string, announce: () => Promise<void>, onFailed?: () => Promise<void>): Promise<void> {
    if (this.#done.has(eventId)) return Promise.resolve();
    const inWork = this.#inWork.get(eventId);
    if (inWork) return inWork;
    const before = this.#lastOf.get(groupId) ?? Promise.resolve();
    const work = this.#run(eventId, before, () => this.#exclusively(groupId, announce), onFailed);
    const settled = work
      .catch(() => undefined)
      .finally(() => {
        this.#inWork.delete(eventId);
        if (this.#lastOf.get(groupId) === settled) this.#lastOf.delete(groupId);
      });
    this.#inWork.set(eventId, work);
    this.#lastOf.set(groupId, settled);
    return work;
  }

  async #run(
    eventId: string,
    before: Promise<void>,
    announce: () => Promise<void>,
    onFailed?: () => Promise<void>,
  ): Promise<void> {
    await before;
    try {
      await announce();
    } catch (error) {
      await onFailed?.().catch(() => undefined); // the change comes again because of the first error
      throw error;
    }
    this.#done.add(eventId);
    if (this.#done.size > REMEMBERED) this.#done.delete(this.#done.values().next().value!);
  }
}
