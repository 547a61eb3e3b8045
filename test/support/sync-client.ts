import type { Conversation, HistoryItem } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";

export type SyncAnswer = Result<"sync.pull">;
export type SyncRequest = Params<"sync.pull">;
export type Pull = (request: SyncRequest) => Promise<SyncAnswer>;

/** What a device keeps of one conversation. */
interface Kept {
  conversation: Conversation;
  /** The last seq below which all that it can see, from where it has begun, is here. */
  lastSeq: number;
  items: Map<number, HistoryItem>;
  isMember: boolean;
}

/** A device that does what docs/sync.md says, and nothing else. */
export class SyncClient {
  readonly #pull: Pull;
  readonly kept = new Map<string, Kept>();
  readonly answers: SyncAnswer[] = [];
  version: string | null = null;

  constructor(pull: Pull) {
    this.#pull = pull;
  }

  /** Asks page after page until there is no more. @param between runs between two pages */
  async sync({ limit, between }: { limit?: number; between?: (page: number) => Promise<void> } = {}): Promise<SyncAnswer[]> {
    const request: SyncRequest = {
      conversations: Object.fromEntries([...this.kept].map(([id, { lastSeq }]) => [id, lastSeq])),
      ...(this.version !== null && { version: this.version }),
      ...(limit !== undefined && { limit }),
    };
    const pages: SyncAnswer[] = [];
    for (let cursor: string | null = null; ;) {
      const answer: SyncAnswer = await this.#pull(cursor === null ? request : { ...request, cursor });
      if (answer.reset && (pages.length === 0 || !pages[0]!.reset)) this.kept.clear();
      this.#take(answer, request);
      pages.push(answer);
      cursor = answer.nextCursor;
      if (cursor === null) break;
      await between?.(pages.length);
    }
    this.version = pages.at(-1)!.version;
    this.answers.push(...pages);
    return pages;
  }

  #take({ conversations, messages, changes, removed, reset }: SyncAnswer, request: SyncRequest): void {
    for (const conversation of conversations) {
      const { conversationId } = conversation;
      const page = messages[conversationId]!;
      const named = reset ? null : request.conversations?.[conversationId];
      const known = this.kept.get(conversationId);
      const one: Kept = known ?? { conversation, lastSeq: 0, items: new Map(), isMember: true };
      this.kept.set(conversationId, Object.assign(one, { conversation, isMember: !removed.includes(conversationId) }));
      if (!named) one.items.clear(); // a newest page stands by itself
      for (const item of page.items) one.items.set(item.seq, item);
      for (const seq of one.items.keys()) if (seq < page.minSeq || seq > page.maxSeq) one.items.delete(seq);
      const end = page.items.at(-1);
      const last = end ? ("toSeq" in end ? end.toSeq : end.seq) : 0;
      one.lastSeq = !named || !page.more ? page.maxSeq : last;
    }
    for (const { type, conversationId, messageId, message } of changes) {
      const items = this.kept.get(conversationId)?.items;
      const had = [...(items?.values() ?? [])].find((item) => "messageId" in item && item.messageId === messageId);
      if (!items || !had) continue;
      if (type === "deleted" || message === null) items.delete(had.seq);
      else items.set(had.seq, message);
    }
  }

  /** Messages of a conversation that it has, by seq. */
  items(conversationId: string): HistoryItem[] {
    return [...(this.kept.get(conversationId)?.items.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  seqs(conversationId: string): number[] {
    return this.items(conversationId).map(({ seq }) => seq);
  }
}

/** Conversations of all pages, in the order in which they came. */
export const idsOf = (pages: readonly SyncAnswer[]): string[] =>
  pages.flatMap(({ conversations }) => conversations.map(({ conversationId }) => conversationId));
