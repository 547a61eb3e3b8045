import { describe, expect, it } from "vitest";
import type { Conversation, Message } from "../../contracts/entities.ts";
import { applyPage, type Asked } from "../src/core/apply-page.ts";
import { applyNew, type SyncPage } from "../src/core/apply.ts";
import { Picture } from "../src/core/picture.ts";
import type { Change } from "../src/core/records.ts";
import { memoryStore, type Store } from "../src/index.ts";
import { View, type ViewDeps } from "../src/view.ts";

const ID = "g_7";
const ME = "1";

const messageOf = (seq: number, senderId = "2"): Message => ({
  messageId: String(100 + seq),
  conversationId: ID,
  seq,
  senderId,
  clientMsgId: `c${seq}`,
  type: "text",
  content: { text: String(seq) },
  createdAt: seq,
  status: "accepted",
});

const conversationOf = (maxSeq: number): Conversation => ({
  conversationId: ID,
  type: "group",
  lastMessage: maxSeq === 0 ? null : messageOf(maxSeq),
  maxSeq,
  readSeq: maxSeq,
  ...{ unread: 0, mentioned: false, pinned: false, muted: false, hidden: false, draft: "" },
});

/** A sync's only page, with all messages behind a seq. */
const pageOf = (maxSeq: number, after = 0, removed: string[] = []): SyncPage => {
  const items = Array.from({ length: maxSeq - after }, (_, index) => messageOf(after + 1 + index));
  const messages = { [ID]: { items, more: false, minSeq: 1, maxSeq } };
  const rest = { version: "v", changes: [], friendsVersion: "", groupsVersion: "", reset: false, nextCursor: null };
  return { conversations: [conversationOf(maxSeq)], messages, removed, ...rest };
};

const asked = (mark: number, isFirstPage = true): Asked => ({ me: ME, marks: { [ID]: mark }, isNew: false, isFirstPage });

function newPicture() {
  const changes: Change[] = [];
  const store = memoryStore();
  const picture = new Picture(store, (change) => changes.push(change));
  const take = (page: SyncPage, how: Asked): Promise<boolean> => picture.transact((tx) => applyPage(tx, page, how));
  return { picture, store, changes, take };
}

describe("a page of a sync", () => {
  it("does not take away what was sent while it was on its way", async () => {
    const { picture, store, take } = newPicture();
    await take(pageOf(0), asked(0));
    await picture.transact(async (tx) => void applyNew(tx, ME, messageOf(1, ME)));
    await take(pageOf(0), asked(0));
    expect(await store.list("messages")).toMatchObject([{ seq: 1 }]);
    expect(picture.conversations.get(ID)).toMatchObject({ mark: 1, conversation: { maxSeq: 1, lastMessage: { seq: 1 } } });
    await take(pageOf(2), asked(0));
    expect(await store.list("messages")).toMatchObject([{ seq: 1 }, { seq: 2 }]);
  });

  it("brings one back into a group without a message that says so, but on a page that repeats what moved", async () => {
    const { picture, take } = newPicture();
    const isActive = () => picture.conversations.get(ID)!.active;
    await take(pageOf(2), asked(0));
    await take(pageOf(3, 2, [ID]), asked(2));
    expect(isActive()).toBe(false);
    await take(pageOf(3, 3, [ID]), asked(3));
    expect(isActive()).toBe(false);
    await take(pageOf(3, 3), asked(3, false));
    expect(isActive()).toBe(false);
    await take(pageOf(3, 3), asked(3));
    expect(isActive()).toBe(true);
  });

  it("that was asked for before somebody signed in or out changes nothing", async () => {
    const { picture, changes, take } = newPicture();
    await take(pageOf(1), asked(0));
    changes.length = 0;
    const late = take(pageOf(2), asked(0));
    picture.endEra();
    await expect(late).rejects.toMatchObject({ code: 0 });
    expect(changes).toEqual([]);
    expect(picture.conversations.get(ID)!.mark).toBe(1);
  });
});

describe("a tab that reads the store twice at one time", () => {
  it("ends with what was told in between", async () => {
    const plain = memoryStore();
    const picture = new Picture(plain, (change) => view.changed(change));
    const waiting: (() => void)[] = [];
    let isSlow = false;
    const store: Store = Object.assign(Object.create(plain) as Store, {
      list: async (...range: Parameters<Store["list"]>) => {
        const found = await plain.list(...range);
        if (isSlow) await new Promise<void>((resolve) => waiting.push(resolve));
        return found;
      },
    });
    const nothing = (): void => undefined;
    const history: ViewDeps["history"] = () => Promise.reject(new Error("away"));
    const view = new View({ store, history, keep: nothing, onUser: nothing, onRead: nothing, onOnline: nothing });
    await picture.transact((tx) => applyPage(tx, pageOf(1), asked(0)));
    const session = { me: { userId: ME } as NonNullable<View["me"]>, reason: null };
    await view.begin({ connection: { state: "online", retryAt: null, refusal: null }, session });
    isSlow = true;
    const first = view.read();
    await expect.poll(() => waiting.length).toBe(4);
    const second = view.read();
    await picture.transact(async (tx) => void applyNew(tx, ME, messageOf(2)));
    for (const resolve of waiting.splice(0)) resolve();
    await expect.poll(() => waiting.length).toBe(4);
    await picture.transact(async (tx) => void applyNew(tx, ME, messageOf(3)));
    for (const resolve of waiting.splice(0)) resolve();
    await Promise.all([first, second]);
    expect(view.cache.conversation(ID)).toMatchObject({ maxSeq: 3, unread: 2 });
    await picture.transact(async (tx) => void applyNew(tx, ME, messageOf(4)));
    expect(view.cache.conversation(ID)).toMatchObject({ maxSeq: 4, unread: 3 });
  });
});
