import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Conversation, HistoryItem, Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { applyPage } from "../src/core/apply-page.ts";
import { applyCleared, applyDeleted, applyNew, applyUpdated } from "../src/core/apply.ts";
import { keepPage } from "../src/core/keep-page.ts";
import { Picture } from "../src/core/picture.ts";
import { memoryStore, type LocalMessage, type MessageWindow, type Store } from "../src/index.ts";
import { View } from "../src/view.ts";

const ID = "d_1_2";
const ME = "1";
const me = { userId: ME } as NonNullable<View["me"]>;

/** A conversation as its server has it, for one user. */
class Server {
  minSeq = 1;
  readonly #all: HistoryItem[] = [];
  readonly #deleted = new Set<number>();
  #maxSeq = 0;

  get maxSeq(): number {
    return this.#maxSeq;
  }

  get visible(): Message[] {
    return this.#all.filter((item): item is Message => item.type !== "void" && this.#isVisible(item));
  }

  add(count: number): Message[] {
    const added = Array.from({ length: count }, () => messageOf(++this.#maxSeq));
    this.#all.push(...added);
    return added;
  }

  addVoid(count: number): void {
    this.#all.push({ seq: this.#maxSeq + 1, toSeq: this.#maxSeq + count, type: "void" });
    this.#maxSeq += count;
  }

  edit(index: number, text: string): Message | null {
    const { visible } = this;
    const message = visible[index % Math.max(1, visible.length)];
    if (!message) return null;
    const edited = { ...message, content: { text }, editedAt: (message.editedAt ?? 0) + 1 };
    this.#all[this.#all.indexOf(message)] = edited;
    return edited;
  }

  delete(index: number): Message | null {
    const { visible } = this;
    const message = visible[index % Math.max(1, visible.length)] ?? null;
    if (message) this.#deleted.add(message.seq);
    return message;
  }

  page({ beforeSeq, afterSeq, aroundSeq, limit = 20 }: Params<"message.history">): Result<"message.history"> {
    const items = this.#all.filter((item) => this.#isVisible(item));
    const { minSeq, maxSeq } = this;
    const below = (seq: number): HistoryItem[] => items.filter((item) => item.seq < seq);
    const behind = (seq: number): HistoryItem[] => items.filter((item) => ("toSeq" in item ? item.toSeq : item.seq) > seq);
    if (beforeSeq !== undefined) return { items: below(beforeSeq).slice(-limit), minSeq, maxSeq };
    if (afterSeq !== undefined) return { items: behind(afterSeq).slice(0, limit), minSeq, maxSeq };
    if (aroundSeq === undefined) return { items: items.slice(-limit), minSeq, maxSeq };
    const half = Math.ceil(limit / 2);
    return { items: [...below(aroundSeq + 1).slice(-half), ...behind(aroundSeq).slice(0, half)], minSeq, maxSeq };
  }

  get conversation(): Conversation {
    const state = { unread: 0, mentioned: false, pinned: false, muted: false, hidden: false, draft: "" };
    const { maxSeq } = this;
    return { conversationId: ID, type: "direct", maxSeq, readSeq: maxSeq, lastMessage: this.visible.at(-1) ?? null, ...state };
  }

  #isVisible(item: HistoryItem): boolean {
    return item.seq >= this.minSeq && !this.#deleted.has(item.seq);
  }
}

const messageOf = (seq: number): Message => ({
  messageId: String(1_000 + seq),
  conversationId: ID,
  seq,
  senderId: seq % 3 === 0 ? ME : "2",
  clientMsgId: `c${seq}`,
  type: "text",
  content: { text: `message ${seq}` },
  createdAt: seq,
  status: "persisted",
});

/**
 * One device of the user, of which each reading of store and server is answered when `later` lets it. The view is that of a tab: it
 * is told at once what was stored, or when `tell` lets it.
 */
class Device {
  readonly server = new Server();
  readonly store = memoryStore();
  readonly view: View;
  readonly picture: Picture;
  /** Until the view has heard all. */
  told: Promise<unknown> = Promise.resolve();

  constructor(later: <T>(read: Promise<T>) => Promise<T>, tell: (() => Promise<unknown>) | null = null) {
    const store: Store = Object.assign(Object.create(this.store) as Store, {
      get: (...row: Parameters<Store["get"]>) => later(this.store.get(...row)),
      list: (...range: Parameters<Store["list"]>) => later(this.store.list(...range)),
    });
    this.view = new View({
      store,
      history: (params) => later(Promise.resolve(this.server.page(params))),
      keep: (page) => void this.picture.transact((tx) => keepPage(tx, page)),
      onUser: () => undefined,
      onRead: () => undefined,
      onOnline: () => undefined,
    });
    this.picture = new Picture(this.store, (change) => {
      if (tell) this.told = Promise.all([this.told, tell()]).then(() => this.view.changed(change));
      else this.view.changed(change);
    });
  }

  /** A sync that says that the client has so much. */
  async sync(mark: number): Promise<void> {
    const behind = this.server.page({ conversationId: ID, afterSeq: mark, limit: 1_000 });
    const newest = this.server.page({ conversationId: ID, limit: 20 });
    const { items, minSeq, maxSeq } = mark > 0 ? behind : newest;
    const more = mark === 0 && this.server.page({ conversationId: ID, limit: 1_000 }).items.length > items.length;
    const rest = {
      changes: [],
      removed: [],
      version: "v",
      friendsVersion: "",
      groupsVersion: "",
      reset: false,
      nextCursor: null,
    };
    const page = { conversations: [this.server.conversation], messages: { [ID]: { items, minSeq, maxSeq, more } }, ...rest };
    const asked = { me: ME, marks: { [ID]: mark }, isNew: false, isFirstPage: true };
    await this.picture.transact((tx) => applyPage(tx, page, asked));
  }

  get mark(): number {
    return this.picture.conversations.get(ID)?.mark ?? 0;
  }

  async begin(count: number): Promise<void> {
    this.server.add(count);
    await this.sync(0);
    const connection = { state: "online", retryAt: null, refusal: null } as const;
    await this.view.begin({ connection, session: { me, reason: null } });
  }

  async push(): Promise<void> {
    const [message] = this.server.add(1);
    await this.picture.transact(async (tx) => void applyNew(tx, ME, message!));
  }

  async change(message: Message | null): Promise<void> {
    if (message) await this.picture.transact((tx) => applyUpdated(tx, ME, message));
  }

  async delete(message: Message | null): Promise<void> {
    if (message) await this.picture.transact((tx) => applyDeleted(tx, ME, ID, message.messageId));
  }

  async clear(): Promise<void> {
    const { maxSeq } = this.server;
    this.server.minSeq = maxSeq + 1;
    await this.picture.transact((tx) => applyCleared(tx, ME, ID, maxSeq));
  }
}

function checkOrder(items: readonly LocalMessage[]): void {
  const seqs = items.map(({ seq }) => seq ?? Infinity);
  for (let index = 1; index < seqs.length; index++) expect(seqs[index]!).toBeGreaterThan(seqs[index - 1]!);
  expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
}

/** What a window shows is all that the server has there, as it is now. */
function checkAgainst({ visible, maxSeq }: Server, { items, hasOlder, hasNewer }: MessageWindow): void {
  const shown = items.map(({ seq, content }) => `${seq} ${String(content["text"])}`);
  const first = hasOlder ? (items[0]?.seq ?? maxSeq + 1) : 0;
  const last = hasNewer ? (items.at(-1)?.seq ?? first) : maxSeq;
  const wanted = visible.filter(({ seq }) => seq >= first && seq <= last);
  expect(shown).toEqual(wanted.map(({ seq, content }) => `${seq} ${String(content["text"])}`));
}

type Deed = readonly [
  kind: "push" | "jump" | "void" | "behind" | "edit" | "delete" | "clear" | "latest" | "older" | "newer" | "around" | "refresh",
  number: number,
  answers: number,
];
const kinds = ["push", "jump", "void", "behind", "edit", "delete", "latest", "older", "newer", "around", "refresh"] as const;
const deed: fc.Arbitrary<Deed> = fc.tuple(
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...kinds) }, { weight: 1, arbitrary: fc.constant("clear" as const) }),
  fc.nat({ max: 200 }),
  fc.nat({ max: 3 }),
);

/** Loads are begun and not waited for; what changes is there at once. */
async function perform(device: Device, window: ReturnType<View["openWindow"]>, [kind, number]: Deed): Promise<void> {
  const { server } = device;
  switch (kind) {
    case "push":
      return device.push();
    case "jump":
      server.add(number % 70);
      return device.sync(0);
    case "void":
      server.addVoid(1 + (number % 40));
      return device.sync(device.mark);
    case "behind":
      server.add(number % 30);
      return device.sync(device.mark);
    case "edit":
      return device.change(server.edit(number, `edited ${number}`));
    case "delete":
      return device.delete(server.delete(number));
    case "clear":
      return device.clear();
    case "latest":
      return void window.loadLatest();
    case "older":
      return void window.loadOlder(1 + (number % 60));
    case "newer":
      return void window.loadNewer(1 + (number % 60));
    case "around":
      return void window.loadAround({ seq: 1 + (number % (server.maxSeq + 1)) });
    case "refresh":
      return void window.refresh();
  }
}

describe("a window, whatever is loaded and pushed in whatever order", { timeout: 60_000 }, () => {
  it("is ascending without repeats, and shows all that is there between its ends", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 150 }),
        fc.array(deed, { maxLength: 40 }),
        fc.scheduler(),
        fc.boolean(),
        async (count, deeds, scheduler, isOtherTab) => {
          let isHeld = false;
          const later = <T>(read: Promise<T>): Promise<T> => (isHeld ? scheduler.schedule(read) : read);
          const device = new Device(later, isOtherTab ? () => later(Promise.resolve()) : null);
          await device.begin(count);
          await device.told;
          const window = device.view.openWindow(ID);
          window.onChange(() => checkOrder(window.items));
          isHeld = true;
          void window.loadLatest();
          for (const one of deeds) {
            await perform(device, window, one);
            for (let answers = one[2]; answers > 0 && scheduler.count() > 0; answers--) await scheduler.waitOne();
          }
          isHeld = false;
          await scheduler.waitIdle();
          await device.told;
          await window.refresh();
          checkOrder(window.items);
          checkAgainst(device.server, window);
          for (let pages = 0; window.hasNewer && pages < 500; pages++) await window.loadNewer();
          for (let pages = 0; window.hasOlder && pages < 500; pages++) await window.loadOlder();
          checkAgainst(device.server, window);
          expect(window.hasNewer || window.hasOlder).toBe(false);
        },
      ),
      { numRuns: 500, seed: 20_261_122 },
    );
  });

  it("keeps what was loaded of the past when the store is read again, and when its end was replaced", async () => {
    const device = new Device((read) => read);
    await device.begin(200);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    while (window.hasOlder) await window.loadOlder();
    await device.view.read();
    await window.refresh();
    expect(window.items).toHaveLength(200);
    device.server.add(15);
    await device.sync(0);
    await window.refresh();
    expect(window.items).toHaveLength(215);
    checkAgainst(device.server, window);
  });

  it("is told by nothing any more once it is closed", async () => {
    const device = new Device((read) => read);
    await device.begin(30);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    let changes = 0;
    window.onChange(() => changes++);
    const loading = window.loadOlder();
    window.close();
    changes = 0;
    await loading;
    await device.push();
    expect(changes).toBe(0);
    expect(device.view.windows.size).toBe(0);
  });

  it("stays as it was when the server is needed and not there, and can load again", async () => {
    let isThere = true;
    const device = new Device((read) => (isThere ? read : Promise.reject(new Error("away"))));
    await device.begin(100);
    const window = device.view.openWindow(ID);
    await window.loadLatest();
    const { items } = window;
    isThere = false;
    await expect(window.loadOlder()).rejects.toThrow("away");
    expect(window.items).toEqual(items);
    expect(window.loading).toBeNull();
    isThere = true;
    await window.loadOlder();
    expect(window.items.length).toBeGreaterThan(items.length);
  });
});
