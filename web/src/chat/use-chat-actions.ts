import type { LocalMessage } from "@moleculer-im/client";
import { shallowRef, type ShallowRef } from "vue";
import type { Router } from "vue-router";
import { MAX_FORWARD_ITEMS } from "../../../contracts/limits.ts";
import { confirmed } from "../ui/confirmed.ts";
import { t } from "../i18n/index.ts";
import { im } from "../session/im.ts";
import { copyText } from "../ui/clipboard.ts";
import { tell } from "../ui/errors.ts";
import type { Anchor, RowActions } from "./context.ts";
import { isLocal, type Deed } from "./deeds.ts";
import { notice } from "./notice.ts";
import { keepWords, keptWords } from "./recalled.ts";
import { textOf } from "./said.ts";

/** What is open over a chat. */
export type Overlay =
  | { readonly kind: "menu" | "reactions"; readonly message: LocalMessage; readonly at: Anchor }
  | { readonly kind: "forward"; readonly messages: readonly LocalMessage[] }
  | { readonly kind: "merged"; readonly content: LocalMessage["content"] }
  | { readonly kind: "readers" | "thread"; readonly message: LocalMessage }
  | { readonly kind: "pins" };

/** What the parts of a chat do for its rows. */
export interface ChatParts {
  readonly me: string;
  readonly router: Router;
  reply(message: LocalMessage): void;
  edit(message: LocalMessage): void;
  take(words: string): void;
  /** Whether it is there. @throws ImError */
  show(seq: number): Promise<boolean>;
}

export interface ChatActions extends RowActions {
  readonly overlay: ShallowRef<Overlay | null>;
  /** Messages that are selected, by key, in the order of selection; null while nothing is being selected. */
  readonly selected: ShallowRef<ReadonlyMap<string, LocalMessage> | null>;
  run(deed: Deed, message: LocalMessage): void;
  react(message: LocalMessage, emoji: string): void;
  endSelection(): void;
  forwardSelected(): void;
  deleteSelected(): Promise<void>;
  /** Shows a message by its place, and says so when it is gone. */
  jump(seq: number): Promise<void>;
}

async function telling(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

export function chatActions(parts: ChatParts): ChatActions {
  const overlay = shallowRef<Overlay | null>(null);
  const selected = shallowRef<ReadonlyMap<string, LocalMessage> | null>(null);

  const idOf = ({ messageId }: LocalMessage): string => messageId ?? "";
  async function jump(seq: number): Promise<void> {
    try {
      if (!(await parts.show(seq))) notice(t("chat.messages.notFound"));
    } catch (error) {
      tell(error);
    }
  }
  async function recall(message: LocalMessage): Promise<void> {
    const forget = keepWords(message, parts.me, message.senderId);
    if (!(await telling(im.recall(idOf(message))))) forget();
  }
  async function remove(messages: readonly LocalMessage[]): Promise<boolean> {
    const text = t("chat.deed.deleteText", { count: messages.length });
    if (!(await confirmed(t("chat.deed.deleteTitle"), text, t("chat.deed.delete")))) return false;
    for (const message of messages) if (!(await telling(im.deleteForMe(idOf(message))))) return false;
    return true;
  }
  function toggleSelected(message: LocalMessage): void {
    const next = new Map(selected.value);
    if (!next.delete(message.key)) next.set(message.key, message);
    selected.value = next;
  }
  function setReaction(message: LocalMessage, emoji: string, isOn: boolean): void {
    if (!isLocal(message)) void telling(im.react(idOf(message), emoji, !isOn));
  }

  const deeds: Readonly<Record<Deed, (message: LocalMessage) => unknown>> = {
    reply: (message) => parts.reply(message),
    react: () => undefined,
    copy: (message) => copyText(textOf(message.content, "text")),
    forward: (message) => (overlay.value = { kind: "forward", messages: [message] }),
    edit: (message) => parts.edit(message),
    recall,
    readers: (message) => (overlay.value = { kind: "readers", message }),
    pin: (message) => telling(im.pin(idOf(message), true)),
    unpin: (message) => telling(im.pin(idOf(message), false)),
    select: (message) => (selected.value = new Map([[message.key, message]])),
    retry: (message) => telling(im.retry(message.clientMsgId)),
    discard: (message) => telling(im.discard(message.clientMsgId)),
    delete: (message) => remove([message]),
  };

  return {
    overlay,
    selected,
    jump,
    run: (deed, message) => void deeds[deed](message),
    react: (message, emoji) => setReaction(message, emoji, true),
    endSelection() {
      selected.value = null;
    },
    forwardSelected() {
      const messages = [...(selected.value?.values() ?? [])].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
      if (messages.length > MAX_FORWARD_ITEMS) notice(t("chat.deed.tooManySelected", { count: MAX_FORWARD_ITEMS }));
      else if (messages.length > 0) overlay.value = { kind: "forward", messages };
    },
    async deleteSelected() {
      if (await remove([...(selected.value?.values() ?? [])])) selected.value = null;
    },
    openMenu: (message, at) => (overlay.value = { kind: "menu", message, at }),
    openReactions: (message, at) => (overlay.value = { kind: "reactions", message, at }),
    reply: deeds.reply,
    toggleReaction(message, emoji) {
      const reaction = message.reactions?.find((one) => one.emoji === emoji);
      setReaction(message, emoji, !(reaction?.mine ?? reaction?.userIds.includes(parts.me) ?? false));
    },
    showOriginal: (message) => {
      if (message.replyTo) void jump(message.replyTo.seq);
    },
    showForward: (content) => (overlay.value = { kind: "merged", content }),
    showThread: (message) => (overlay.value = { kind: "thread", message }),
    showContact: (userId) => void parts.router.push(`/contacts/${userId}`),
    retry: deeds.retry,
    discard: deeds.discard,
    toggleSelected,
    copy: (text) => void copyText(text),
    recalledWords: ({ messageId }) => keptWords(messageId),
    editAgain: ({ messageId }) => parts.take(keptWords(messageId) ?? ""),
  };
}
