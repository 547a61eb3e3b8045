import type { Message } from "../../contracts/entities.ts";
import type { Change, ConversationRecord } from "./core/records.ts";
import { Emitter } from "./emitter.ts";
import { NO_CURSORS } from "./local-message.ts";
import {
  beginningOf,
  endOf,
  isMessage,
  notAmong,
  pageOf,
  storedMessages,
  withRecord,
  type StoredRange,
} from "./message-pages.ts";
import { Stretch } from "./stretch.ts";
import type { LocalMessage, MessageWindow } from "./types.ts";
import type { Found, Load, Place, WindowDeps } from "./window-deps.ts";

const PAGE = 50;
const AROUND = 60;

/**
 * A stretch of messages: of the store where they are there, else of the server; what joins the store is kept. What changes while
 * a load is under way is applied at once, and again to what it brings.
 */
export class LiveWindow implements MessageWindow {
  readonly conversationId: string;
  items: readonly LocalMessage[] = [];
  hasOlder = true;
  hasNewer = true;
  loading: MessageWindow["loading"] = null;
  readonly #stretch: Stretch;
  readonly #deps: WindowDeps;
  readonly #events = new Emitter<{ change: null }>();
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isLoaded = false;
  /** Its conversation is not known yet. */
  #isWaiting = false;
  /** What is stored was replaced: until it is read again, nothing can be put behind what is here. */
  #isStale = false;
  /** What changed since the load that is under way began. */
  #missed: Change[] | null = null;
  /** Counts resets: what was asked before one is of another picture. */
  #resets = 0;
  /** Counts replacements of what is stored: what was read before one does not join what is read after it. */
  #replaced = 0;

  constructor(conversationId: string, deps: WindowDeps) {
    this.conversationId = conversationId;
    this.#deps = deps;
    this.#stretch = new Stretch(deps.me);
  }

  loadLatest(): Promise<void> {
    return this.#load("latest", (record) => this.#latest(record));
  }

  loadOlder(limit = PAGE): Promise<void> {
    return this.#load("older", (record) => (this.#isLoaded ? this.#older(record, pageOf(limit)) : this.#latest(record)));
  }

  loadNewer(limit = PAGE): Promise<void> {
    return this.#load("newer", (record) => (this.#isLoaded ? this.#newer(record, pageOf(limit)) : this.#latest(record)));
  }

  loadAround(place: Place): Promise<void> {
    return this.#load("around", (record) => this.#around(record, place));
  }

  /** Reads what it shows of the store again: something may have changed there unheard. */
  async refresh(): Promise<void> {
    if (this.#isWaiting) return this.loadLatest();
    if (!this.#isLoaded || this.hasNewer) return;
    await this.#load(null, async (record) => {
      const { from, to } = this.#stretch;
      if (!record || to + 1 < record.from) return this.#latest(record);
      const stored = await this.#stored({ after: Math.max(from, record.from) - 1 });
      return () => {
        const older = this.#stretch.messages.filter(({ seq }) => seq < record.from);
        const end = Math.max(record.mark, stored.at(-1)?.seq ?? 0);
        this.#replace([...older, ...stored], from, end, this.hasOlder && !(record.fromStart && from <= record.from));
      };
    });
  }

  onChange(listener: () => void): () => void {
    return this.#events.on("change", () => listener());
  }

  close(): void {
    this.#isClosed = true;
    this.#deps.onClose();
  }

  /** Forgets what it shows, and begins anew when its conversation is known. */
  clear(): void {
    this.#resets++;
    this.#isWaiting ||= this.#isLoaded || this.#missed !== null;
    this.#isLoaded = false;
    this.#stretch.replace([], 1, 0, this.#record ?? NO_CURSORS);
    this.hasOlder = true;
    this.hasNewer = true;
    this.#show();
  }

  /** Takes what changed. @param touched whether the conversation, its cursors or what is on its way changed */
  apply(change: Change, touched: boolean): void {
    if (change.reset) this.clear();
    if (this.#isWaiting) {
      if (touched || change.reset) void this.loadLatest().catch(() => undefined);
      return;
    }
    this.#missed?.push(change);
    if (change.replaced?.includes(this.conversationId)) this.#replaced++;
    if (!this.#isLoaded) return;
    if (change.replaced?.includes(this.conversationId) && !this.hasNewer) {
      this.#isStale = true;
      void this.refresh().catch(() => undefined);
    }
    const hasTaken = this.#take(change);
    const isRestated = touched && this.#stretch.follow(this.#record ?? NO_CURSORS);
    const isOutgoing = touched && !this.hasNewer && (change.outbox !== undefined || change.sent !== undefined);
    if (hasTaken || isRestated || isOutgoing) this.#show();
  }

  #take(change: Change): boolean {
    const mine = ({ conversationId }: { conversationId: string }): boolean => conversationId === this.conversationId;
    const stretch = this.#stretch;
    let isChanged = false;
    for (const { minSeq } of change.trimmed?.filter(mine) ?? []) {
      if (stretch.from > minSeq) continue;
      isChanged = stretch.trim(minSeq) || this.hasOlder || isChanged;
      this.hasOlder = false;
    }
    for (const { messageId, seq } of change.deleted?.filter(mine) ?? []) isChanged = stretch.remove(messageId, seq) || isChanged;
    for (const message of change.seen?.filter(mine) ?? []) isChanged = stretch.put(message, false) || isChanged;
    for (const message of change.messages?.filter(mine) ?? []) isChanged = this.#takeOne(message) || isChanged;
    if (!this.hasNewer && !this.#isStale) stretch.to = Math.max(stretch.to, this.#record?.mark ?? 0);
    return isChanged;
  }

  #takeOne(message: Message): boolean {
    const { from, to } = this.#stretch;
    if (message.seq < from || (message.seq > to && (this.hasNewer || this.#isStale))) return false;
    if (message.seq > to) this.#stretch.append([message], message.seq);
    else this.#stretch.put(message, true);
    return true;
  }

  get #record(): ConversationRecord | null {
    return this.#deps.record(this.conversationId);
  }

  /** One load at a time; a failed one leaves everything as it was. */
  #load(kind: MessageWindow["loading"], work: Load): Promise<void> {
    const run = this.#running.then(() => (this.#isClosed ? undefined : this.#run(kind, work)));
    this.#running = run.catch(() => undefined);
    return run;
  }

  async #run(kind: MessageWindow["loading"], work: Load): Promise<void> {
    this.loading = kind;
    if (kind) this.#events.emit("change", null);
    const resets = this.#resets;
    try {
      for (let isPut = false; !isPut;) {
        const replaced = this.#replaced;
        this.#missed = [];
        const [found, isCurrent] = await withRecord(this.#deps.store, this.conversationId, work);
        // From here to the end nothing can change in between.
        isPut = resets !== this.#resets || (isCurrent && replaced === this.#replaced);
        if (isPut && resets === this.#resets) this.#put(found);
      }
    } finally {
      this.#missed = null;
      this.loading = null;
      this.#show();
    }
  }

  #put(found: Found): void {
    if (!found) return;
    const then = found();
    for (const change of this.#missed ?? []) this.#take(change);
    this.#stretch.follow(this.#record ?? NO_CURSORS);
    then?.();
  }

  async #latest(record: ConversationRecord | null): Promise<Found> {
    this.#isWaiting = !record;
    if (!record) return null;
    const stored = await this.#stored({ reverse: true, limit: PAGE });
    const from = stored.length === PAGE ? stored[0]!.seq : beginningOf(record, stored);
    const to = Math.max(record.mark, stored.at(-1)?.seq ?? 0);
    return () => {
      this.#replace(stored, from, to, !(record.fromStart && from <= record.from));
      this.hasNewer = false;
    };
  }

  async #older(record: ConversationRecord | null, limit: number): Promise<Found> {
    if (!record || !this.hasOlder) return null;
    const below = this.#stretch.from;
    if (below > record.from) {
      const stored = await this.#stored({ before: below, reverse: true, limit });
      const from = stored.length === limit ? stored[0]!.seq : beginningOf(record, stored);
      const isStart = record.fromStart && from <= record.from;
      if (stored.length > 0 || isStart) return () => this.#prepend(stored, from, isStart);
    } else if (record.fromStart) return () => this.#prepend([], below, true);
    return this.#olderOfServer(Math.max(1, Math.min(below, record.from)), limit);
  }

  async #olderOfServer(belowSeq: number, limit: number): Promise<Found> {
    const { conversationId } = this;
    const { items, minSeq } = await this.#deps.history({ conversationId, beforeSeq: belowSeq, limit });
    const isStart = items.length === 0 || items[0]!.seq <= minSeq;
    const fromSeq = Math.min(belowSeq, isStart ? minSeq : items[0]!.seq);
    return () => {
      this.#prepend(items.filter(isMessage), fromSeq, isStart);
      return () => {
        this.#deps.keep({ conversationId, belowSeq, fromSeq, items: this.#stretch.below(belowSeq), isStart });
      };
    };
  }

  async #newer(record: ConversationRecord | null, limit: number): Promise<Found> {
    if (!record || !this.hasNewer) return null;
    const after = this.#stretch.to;
    if (after + 1 >= record.from) {
      const stored = await this.#stored({ after, limit });
      const last = stored.at(-1)?.seq ?? after;
      return () => this.#append(stored, stored.length < limit ? Math.max(last, record.mark) : last);
    }
    const { items, maxSeq } = await this.#deps.history({ conversationId: this.conversationId, afterSeq: after, limit });
    const reached = endOf(items) ?? Math.max(after, maxSeq);
    return () => this.#append(items.filter(isMessage), reached);
  }

  async #around(record: ConversationRecord | null, place: Place): Promise<Found> {
    if (!record) return null;
    if ("seq" in place && place.seq >= record.from && place.seq <= record.mark) {
      const before = await this.#stored({ before: place.seq, reverse: true, limit: AROUND / 2 });
      const behind = await this.#stored({ after: place.seq - 1, limit: AROUND / 2 });
      const from = before.length === AROUND / 2 ? before[0]!.seq : beginningOf(record, before);
      const to = behind.length === AROUND / 2 ? behind.at(-1)!.seq : Math.max(record.mark, behind.at(-1)?.seq ?? 0);
      return () => this.#replace([...before, ...behind], from, to, !(record.fromStart && from <= record.from));
    }
    const where = "seq" in place ? { aroundSeq: Math.max(1, place.seq) } : { aroundTime: place.time };
    const { conversationId } = this;
    const { items, minSeq, maxSeq } = await this.#deps.history({ conversationId, ...where, limit: AROUND });
    const isStart = items.length === 0 || items[0]!.seq <= minSeq;
    const from = isStart ? minSeq : items[0]!.seq;
    return () => this.#replace(items.filter(isMessage), from, endOf(items) ?? maxSeq, !isStart);
  }

  #stored(range: StoredRange): Promise<Message[]> {
    return storedMessages(this.#deps.store, this.conversationId, range);
  }

  #replace(messages: readonly Message[], from: number, to: number, hasOlder: boolean): void {
    this.#isLoaded = true;
    this.#isStale = false;
    this.#stretch.replace(messages, from, to, this.#record ?? NO_CURSORS);
    this.hasOlder = hasOlder;
    this.hasNewer = to < (this.#record?.mark ?? 0);
  }

  #prepend(messages: readonly Message[], from: number, isStart: boolean): void {
    this.#stretch.prepend(messages, from);
    this.hasOlder = !isStart;
  }

  #append(messages: readonly Message[], to: number): void {
    this.#stretch.append(messages, to);
    this.hasNewer = this.#stretch.to < (this.#record?.mark ?? 0);
  }

  #show(): void {
    if (this.#isClosed) return;
    const { shown } = this.#stretch;
    this.items = this.hasNewer ? shown.slice() : shown.concat(notAmong(shown, this.#deps.outgoing(this.conversationId)));
    this.#events.emit("change", null);
  }
}
