import type { Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { KeptPage } from "./core/keep-page.ts";
import type { Change, ConversationRecord } from "./core/records.ts";
import { stateOf, storedMessage } from "./local-message.ts";
import type { Store } from "./store/port.ts";
import type { LocalMessage, MessageWindow } from "./types.ts";

const PAGE = 50;
const AROUND = 60;

export interface WindowDeps {
  readonly store: Store;
  me(): string;
  record(conversationId: string): ConversationRecord | null;
  outgoing(conversationId: string): LocalMessage[];
  history(params: Params<"message.history">): Promise<Result<"message.history">>;
  keep(page: KeptPage): void;
  onClose(window: LiveWindow): void;
}

/**
 * A stretch of messages: of the store where they are there, else of the server; what joins the store is kept. `#messages` holds
 * what is stored, ascending by seq; `items` is what it shows, with what is on its way behind it.
 */
export class LiveWindow implements MessageWindow {
  readonly conversationId: string;
  items: readonly LocalMessage[] = [];
  hasOlder = true;
  hasNewer = true;
  loading: MessageWindow["loading"] = null;
  #messages: Message[] = [];
  #local = new Map<number, { message: Message; local: LocalMessage }>();
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Its conversation is not known yet. */
  #isWaiting = false;
  readonly #listeners = new Set<() => void>();
  readonly #deps: WindowDeps;

  constructor(conversationId: string, deps: WindowDeps) {
    this.conversationId = conversationId;
    this.#deps = deps;
  }

  loadLatest(): Promise<void> {
    return this.#load("latest", async () => {
      const record = this.#record;
      this.#isWaiting = !record;
      if (!record) return;
      const stored = await this.#stored({ reverse: true, limit: PAGE });
      this.#replace(stored, record.fromStart && (stored[0]?.seq ?? record.from) <= record.from, false);
    });
  }

  loadOlder(limit = PAGE): Promise<void> {
    return this.#load("older", async () => {
      const [first] = this.#messages;
      const record = this.#record;
      if (!record || !this.hasOlder) return;
      const below = first?.seq ?? record.mark + 1;
      const stored = below > record.from ? await this.#stored({ before: below, reverse: true, limit }) : [];
      if (stored.length > 0) return this.#prepend(stored, record.fromStart && stored[0]!.seq <= record.from);
      if (below >= record.from && record.fromStart) return this.#prepend([], true);
      const start = Math.min(below, below > record.from ? record.from : below);
      const { items, minSeq } = await this.#deps.history({
        conversationId: this.conversationId,
        beforeSeq: Math.max(1, start),
        limit,
      });
      const messages = items.filter(isMessage);
      const reached = items[0]?.seq ?? start;
      const isStart = items.length === 0 || reached <= minSeq;
      this.#prepend(messages, isStart);
      this.#deps.keep({ conversationId: this.conversationId, belowSeq: start, items: messages, isStart });
    });
  }

  loadNewer(limit = PAGE): Promise<void> {
    return this.#load("newer", async () => {
      const record = this.#record;
      if (!record || !this.hasNewer) return;
      const after = this.#messages.at(-1)?.seq ?? 0;
      if (after + 1 >= record.from) {
        const stored = await this.#stored({ after, limit });
        return this.#append(stored, stored.length < limit || stored.at(-1)!.seq >= record.mark);
      }
      const { items, maxSeq } = await this.#deps.history({ conversationId: this.conversationId, afterSeq: after, limit });
      const last = items.at(-1);
      const reached = last ? ("toSeq" in last ? last.toSeq : last.seq) : maxSeq;
      this.#append(items.filter(isMessage), reached >= maxSeq);
    });
  }

  loadAround(place: { readonly seq: number } | { readonly time: number }): Promise<void> {
    return this.#load("around", async () => {
      const record = this.#record;
      if (!record) return;
      if ("seq" in place && place.seq >= record.from && place.seq <= record.mark) {
        const before = await this.#stored({ before: place.seq, reverse: true, limit: AROUND / 2 });
        const from = await this.#stored({ after: place.seq - 1, limit: AROUND / 2 });
        const isStart = record.fromStart && (before[0]?.seq ?? record.from) <= record.from;
        return this.#replace([...before, ...from], isStart, (from.at(-1)?.seq ?? record.mark) < record.mark);
      }
      const where = "seq" in place ? { aroundSeq: Math.max(1, place.seq) } : { aroundTime: place.time };
      const { items, minSeq, maxSeq } = await this.#deps.history({
        conversationId: this.conversationId,
        ...where,
        limit: AROUND,
      });
      const last = items.at(-1);
      const reached = last ? ("toSeq" in last ? last.toSeq : last.seq) : maxSeq;
      this.#replace(items.filter(isMessage), (items[0]?.seq ?? minSeq) <= minSeq, reached < Math.max(maxSeq, record.mark));
    });
  }

  onChange(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#deps.onClose(this);
  }

  /** Takes what changed. @param touched whether the conversation, its cursors or what is on its way changed */
  apply(change: Change, touched: boolean): void {
    const mine = ({ conversationId }: { conversationId: string }): boolean => conversationId === this.conversationId;
    if (change.reset) this.#replace([], false, true);
    if (change.reset || change.replaced?.includes(this.conversationId)) {
      if (!this.hasNewer || change.reset) void this.loadLatest().catch(() => undefined);
      return;
    }
    if (this.#isWaiting && touched) return void this.loadLatest().catch(() => undefined);
    let isChanged = touched;
    for (const { minSeq } of change.trimmed?.filter(mine) ?? []) {
      this.#messages = this.#messages.filter(({ seq }) => seq >= minSeq);
      isChanged = true;
    }
    for (const { seq } of change.deleted?.filter(mine) ?? []) {
      this.#messages = this.#messages.filter((message) => message.seq !== seq);
      isChanged = true;
    }
    for (const message of change.messages?.filter(mine) ?? []) isChanged = this.#take(message) || isChanged;
    if (isChanged) this.#show();
  }

  #take(message: Message): boolean {
    const last = this.#messages.at(-1);
    if (last && message.seq <= last.seq) {
      const index = indexOf(this.#messages, message.seq);
      if (index < 0) return false;
      this.#messages = this.#messages.with(index, message);
      return true;
    }
    const { mark } = this.#record ?? { mark: 0 };
    if (this.hasNewer || message.seq > mark) return false;
    this.#messages = [...this.#messages, message];
    return true;
  }

  get #record(): ConversationRecord | null {
    return this.#deps.record(this.conversationId);
  }

  /** One load at a time; a failed one leaves everything as it was. */
  #load(kind: NonNullable<MessageWindow["loading"]>, work: () => Promise<void>): Promise<void> {
    const run = this.#running.then(async () => {
      if (this.#isClosed) return;
      this.loading = kind;
      this.#tell();
      try {
        await work();
      } finally {
        this.loading = null;
        this.#show();
      }
    });
    this.#running = run.catch(() => undefined);
    return run;
  }

  async #stored(range: { after?: number; before?: number; limit: number; reverse?: boolean }): Promise<Message[]> {
    const { conversationId } = this;
    const { after, before, ...rest } = range;
    const messages = (await this.#deps.store.list("messages", {
      prefix: [conversationId],
      ...(after !== undefined && { after: [conversationId, after] }),
      ...(before !== undefined && { before: [conversationId, before] }),
      ...rest,
    })) as Message[];
    return range.reverse ? messages.reverse() : messages;
  }

  #replace(messages: Message[], isStart: boolean, hasNewer: boolean): void {
    this.#messages = messages;
    this.#local.clear();
    this.hasOlder = !isStart;
    this.hasNewer = hasNewer;
  }

  #prepend(messages: Message[], isStart: boolean): void {
    const first = this.#messages[0]?.seq ?? Infinity;
    this.#messages = [...messages.filter(({ seq }) => seq < first), ...this.#messages];
    this.hasOlder = !isStart;
  }

  #append(messages: Message[], isEnd: boolean): void {
    const last = this.#messages.at(-1)?.seq ?? 0;
    this.#messages = [...this.#messages, ...messages.filter(({ seq }) => seq > last)];
    this.hasNewer = !isEnd;
  }

  #show(): void {
    if (this.#isClosed) return;
    const record = this.#record ?? { othersDelivered: 0, othersRead: 0, persistedSeq: 0 };
    const me = this.#deps.me();
    const shown = this.#messages.map((message) => {
      const known = this.#local.get(message.seq);
      if (known?.message === message && (message.senderId !== me || known.local.state === stateOf(message, record, me)))
        return known.local;
      const local = storedMessage(message, record, me);
      this.#local.set(message.seq, { message, local });
      return local;
    });
    this.items = this.hasNewer ? shown : [...shown, ...this.#deps.outgoing(this.conversationId)];
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const isMessage = (item: { type: string }): item is Message => item.type !== "void";

function indexOf(messages: readonly Message[], seq: number): number {
  let [low, high] = [0, messages.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = messages[middle]!.seq;
    if (found === seq) return middle;
    if (found < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
