import type { LocalMessage, ReplyPreview } from "@moleculer-im/client";
import { inject, type InjectionKey, type Ref } from "vue";
import type { Viewer } from "./deeds.ts";
import type { MentionName } from "./text.ts";
import type { Words } from "./sentences.ts";

/** Where a menu opens: beside an element, or at a point of the window. */
export type Anchor = HTMLElement | { readonly x: number; readonly y: number };

/** What can be done from a row of a chat. Each tells the user itself when it fails. */
export interface RowActions {
  openMenu(message: LocalMessage, at: Anchor): void;
  openReactions(message: LocalMessage, at: Anchor): void;
  reply(message: LocalMessage): void;
  toggleReaction(message: LocalMessage, emoji: string): void;
  /** Shows the message that another one answers. */
  showOriginal(message: LocalMessage): void;
  showForward(content: LocalMessage["content"]): void;
  showThread(message: LocalMessage): void;
  showContact(userId: string): void;
  retry(message: LocalMessage): void;
  discard(message: LocalMessage): void;
  toggleSelected(message: LocalMessage): void;
  copy(text: string): void;
  /** The words of a message that was recalled here a while ago; null when they are not known. */
  recalledWords(message: LocalMessage): string | null;
  editAgain(message: LocalMessage): void;
}

/** What the rows of one chat share. */
export interface ChatContext extends Words, RowActions {
  readonly kind: Viewer["conversation"];
  avatarOf(userId: string): string;
  /** What a message answers that was sent from this page, while it is on its way; else null. */
  sentQuote(message: LocalMessage): ReplyPreview | null;
  mentionsIn(message: Pick<LocalMessage, "mentions">): readonly MentionName[];
  /** BCP 47. */
  readonly language: Readonly<Ref<string>>;
  /** Epoch ms, moves on once a second while something on the screen counts down. */
  readonly now: Readonly<Ref<number>>;
}

export const chatKey: InjectionKey<ChatContext> = Symbol("chat");

/** @throws Error outside of a chat */
export function useChat(): ChatContext {
  const chat = inject(chatKey);
  if (!chat) throw new Error("There is no chat around this component");
  return chat;
}
