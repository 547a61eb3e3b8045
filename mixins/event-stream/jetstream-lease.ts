import { NatsError, StorageType, type JetStreamClient, type KV } from "nats";

/** A lease that nobody renews ends after this time, by the clock of NATS. */
export const LEASE_TTL_MS = 10_000;
/** Taken off what its holder believes, for what the clocks of two machines differ by in that time. */
const MARGIN_MS = 500;
const WRONG_LAST_SEQUENCE = 10_071;

/** Where the leases of a stream are: keys that end by themselves. Made when missing. */
export function leaseBucket(client: JetStreamClient, name: string): Promise<KV> {
  // Followers of a replicated bucket may answer reads with what was.
  const options = { description: "Which node consumes", history: 1, ttl: LEASE_TTL_MS, storage: StorageType.File };
  return client.views.kv(name, { ...options, allow_direct: false });
}

/**
 * A lease in NATS itself, so that the events and who consumes them are there or away together. Its revision grows with each
 * change, and a change names the revision that it follows, so that two nodes never change the same one.
 */
export class StreamLease {
  readonly #bucket: KV;
  readonly #name: string;
  readonly #holder: string;
  #revision = 0;
  #endsAt = 0;

  /** @param holder unique among all who ask for it, also in this process */
  constructor(bucket: KV, name: string, holder: string) {
    this.#bucket = bucket;
    this.#name = name;
    this.#holder = holder;
  }

  /** By this process's own clock; nobody else has it before. */
  get isHeld(): boolean {
    return performance.now() < this.#endsAt;
  }

  /**
   * Takes it, or holds it for longer.
   * @returns false when somebody else has it
   * @throws when NATS does not answer: it is held until its time is over, if it was held
   */
  async hold(): Promise<boolean> {
    const askedAt = performance.now();
    const revision = await this.#write();
    this.#revision = revision ?? 0;
    this.#endsAt = revision === null ? 0 : askedAt + LEASE_TTL_MS - MARGIN_MS;
    return revision !== null;
  }

  /** Others may take it at once. What cannot be given back ends by itself. */
  async release(): Promise<void> {
    const revision = this.#revision;
    this.#revision = this.#endsAt = 0;
    if (revision > 0) await this.#bucket.delete(this.#name, { previousSeq: revision }).catch(() => undefined);
  }

  async #write(): Promise<number | null> {
    try {
      if (this.#revision > 0) return await this.#bucket.update(this.#name, this.#holder, this.#revision);
      return await this.#bucket.create(this.#name, this.#holder);
    } catch (error) {
      if (!isConflict(error)) throw error;
      return this.#writeAfterAll();
    }
  }

  /** What stands in the way may be an own write whose answer was lost, or a lease that has ended meanwhile. */
  async #writeAfterAll(): Promise<number | null> {
    const entry = await this.#bucket.get(this.#name);
    try {
      if (entry === null || entry.operation !== "PUT") return await this.#bucket.create(this.#name, this.#holder);
      return entry.string() === this.#holder ? await this.#bucket.update(this.#name, this.#holder, entry.revision) : null;
    } catch (error) {
      if (isConflict(error)) return null;
      throw error;
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE;
}
