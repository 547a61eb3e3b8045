import { ImError, type User } from "@moleculer-im/client";
import { shallowReactive } from "vue";
import { im } from "./im.ts";

const GONE = new Set([400, 403, 404]);

/**
 * People who are no friends: members of groups, senders of old messages. Whoever is asked for and not known is read from the
 * server, one after the other, each once.
 */
export class People {
  readonly #known = shallowReactive(new Map<string, User>());
  readonly #asked = new Set<string>();
  #reading: Promise<void> = Promise.resolve();

  /** Reactive; null until they were read, and for those whom the server does not show. */
  get(userId: string): User | null {
    const user = this.#known.get(userId);
    if (!user && !this.#asked.has(userId) && im.me !== null && userId !== "0") this.#ask(userId);
    return user ?? null;
  }

  /** Takes over users that somebody has read. */
  add(users: readonly User[]): void {
    for (const user of users) this.#known.set(user.userId, user);
  }

  clear(): void {
    this.#known.clear();
    this.#asked.clear();
  }

  #ask(userId: string): void {
    this.#asked.add(userId);
    this.#reading = this.#reading.then(() => this.#read(userId));
  }

  async #read(userId: string): Promise<void> {
    if (this.#known.has(userId)) return;
    try {
      this.add([await im.call("user.get", { userId })]);
    } catch (error) {
      // Asked again the next time somebody looks, unless the answer will not change.
      if (!(error instanceof ImError && GONE.has(error.status))) this.#asked.delete(userId);
    }
  }
}
