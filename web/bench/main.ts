/** A chat of 100,000 messages without a server, to be scrolled by bench/web-scroll.ts. It is never shipped. */
import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "../src/shell/theme.css";
import "../src/shell/base.css";
import "./page.css";
import type { LocalMessage, MessageWindow } from "@moleculer-im/client";
import { createApp, h, ref, shallowRef } from "vue";
import { chatKey, type ChatContext } from "../src/chat/context.ts";
import MessageList from "../src/chat/MessageList.vue";
import { remembering } from "../src/chat/translate.ts";
import { i18n, localeTag, t } from "../src/i18n/index.ts";
import { makeMessages, ME } from "./messages.ts";

declare global {
  interface Window {
    /** For the one who measures: what is done besides scrolling. */
    bench: { append(): void; count: number };
  }
}

const count = Number(new URLSearchParams(location.search).get("count") ?? 100_000);

class HeldWindow implements MessageWindow {
  readonly conversationId = "g_1";
  readonly hasOlder = false;
  readonly hasNewer = false;
  readonly loading = null;
  items: readonly LocalMessage[] = makeMessages(count);
  readonly #listeners = new Set<() => void>();

  async loadOlder(): Promise<void> {}
  async loadNewer(): Promise<void> {}
  async loadAround(): Promise<void> {}
  async loadLatest(): Promise<void> {}
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.#listeners.clear();
  }
  append(message: LocalMessage): void {
    this.items = [...this.items, message];
    for (const listener of this.#listeners) listener();
  }
}

const nothing = (): void => undefined;
const context: ChatContext = {
  t: remembering((key, named = {}) => t(key, named), localeTag),
  me: ME,
  kind: "group",
  nameOf: (userId) => `Person ${userId}`,
  avatarOf: () => "",
  sentQuote: () => null,
  mentionsIn: ({ mentions = [] }) => mentions.map((userId) => ({ text: `@Person ${userId}`, isMe: userId === ME })),
  language: localeTag,
  now: ref(0),
  openMenu: nothing,
  openReactions: nothing,
  reply: nothing,
  toggleReaction: nothing,
  showOriginal: nothing,
  showForward: nothing,
  showThread: nothing,
  showContact: nothing,
  retry: nothing,
  discard: nothing,
  toggleSelected: nothing,
  copy: nothing,
  recalledWords: () => null,
  editAgain: nothing,
};

const held = new HeldWindow();
const unread = shallowRef(0);
const app = createApp({
  render: () => h(MessageList, { window: held, name: "Bench", readSeq: count, unread: unread.value, selected: null }),
});
app.use(i18n).provide(chatKey, context).mount("#app");

let added = 0;
window.bench = {
  append() {
    added += 1;
    const seq = count + added;
    held.append({ ...held.items[added % count]!, key: `new-${added}`, messageId: String(seq), seq, createdAt: Date.now() });
  },
  count,
};
