import type { Params, Result } from "../contracts/index.ts";

type Answer = Result<"sync.pull">;
/** Asks for one page, by REST or by socket. */
export type Pull = (body: Params<"sync.pull">) => Promise<Answer>;

/** Where a device stands: its mark in each conversation, and the version of its last sync. */
export interface Place {
  readonly marks: Readonly<Record<string, number>>;
  readonly version: string | null;
}
/** What came while it caught up. */
export interface CaughtUp {
  readonly syncs: number;
  readonly pages: number;
  readonly messages: number;
  readonly changes: number;
}

/** Does what docs/sync.md says, but for keeping the messages. */
export class SyncDevice {
  #place: Place;

  constructor(place: Place = { marks: {}, version: null }) {
    this.#place = place;
  }

  get place(): Place {
    return this.#place;
  }

  /**
   * Syncs until no conversation has more behind its mark.
   * @throws what `pull` throws; the device then stands where its last whole sync brought it
   */
  async catchUp(pull: Pull): Promise<CaughtUp> {
    const found = { syncs: 0, pages: 0, messages: 0, changes: 0 };
    for (let hasMore = true; hasMore; found.syncs++) {
      const sync = new Sync(this.#place);
      for (let cursor: string | null = null, isLast = false; !isLast; isLast = cursor === null) {
        const answer: Answer = await pull({ ...sync.asked, ...(cursor !== null && { cursor }) });
        sync.take(answer);
        found.pages++;
        found.changes += answer.changes.length;
        for (const { items } of Object.values(answer.messages)) found.messages += items.length;
        cursor = answer.nextCursor;
      }
      this.#place = sync.place;
      hasMore = sync.hasMore;
    }
    return found;
  }
}

/** One sync, page by page. */
class Sync {
  /** The same with every page. */
  readonly asked: { readonly conversations: Readonly<Record<string, number>>; readonly version?: string };
  #marks: Record<string, number>;
  #version: string | null;
  #isReset = false;
  readonly #unfinished = new Set<string>();

  constructor({ marks, version }: Place) {
    this.asked = { conversations: marks, ...(version !== null && { version }) };
    this.#marks = { ...marks };
    this.#version = version;
  }

  get place(): Place {
    return { marks: this.#marks, version: this.#version };
  }

  get hasMore(): boolean {
    return this.#unfinished.size > 0;
  }

  take(answer: Answer): void {
    if (answer.reset && !this.#isReset) this.#forget();
    this.#version = answer.version;
    for (const [conversationId, { items, more, maxSeq }] of Object.entries(answer.messages)) {
      const isNewest = this.#isReset || !this.asked.conversations[conversationId];
      const last = items.at(-1);
      if (isNewest || !more || !last) {
        this.#marks[conversationId] = maxSeq;
        this.#unfinished.delete(conversationId);
      } else {
        this.#marks[conversationId] = "toSeq" in last ? last.toSeq : last.seq;
        this.#unfinished.add(conversationId);
      }
    }
  }

  #forget(): void {
    this.#isReset = true;
    this.#marks = {};
    this.#unfinished.clear();
  }
}
