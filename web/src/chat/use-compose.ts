import type { LocalMessage } from "@moleculer-im/client";
import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { MAX_MENTIONS, MAX_TEXT_BYTES } from "../../../contracts/limits.ts";
import { im } from "../session/im.ts";
import { tell } from "../ui/errors.ts";
import { mentionedIn, type Candidate } from "./mentions.ts";
import { textOf } from "./said.ts";
import { utf8Bytes } from "./text.ts";
import { quoteOf, sentQuotes } from "./quotes.ts";
import { useDraft } from "./use-draft.ts";
import { typingTeller } from "./use-typing.ts";

export interface Compose {
  readonly text: Readonly<Ref<string>>;
  readonly isMarkdown: Ref<boolean>;
  readonly answered: Readonly<ShallowRef<LocalMessage | null>>;
  readonly edited: Readonly<ShallowRef<LocalMessage | null>>;
  readonly bytes: ComputedRef<number>;
  readonly isTooLong: ComputedRef<boolean>;
  readonly canSend: ComputedRef<boolean>;
  write(text: string): void;
  answer(message: LocalMessage | null): void;
  /** Null: stop editing, back to what was being written. */
  edit(message: LocalMessage | null): void;
  mention(candidate: Candidate): void;
  /** Sends, or saves what is being edited. What is refused is told, and stands in the field again. */
  submit(): Promise<void>;
  sendCard(userId: string): Promise<void>;
}

/** What is being written in a conversation. */
export function useCompose(conversationId: string, initialDraft: string): Compose {
  const text = ref(initialDraft);
  const isMarkdown = ref(false);
  const answered = shallowRef<LocalMessage | null>(null);
  const edited = shallowRef<LocalMessage | null>(null);
  const chosen: Candidate[] = [];
  /** What stood in the field before a message was edited there. */
  let aside = "";
  const draft = useDraft(conversationId, initialDraft);
  const typing = typingTeller(conversationId);
  onScopeDispose(() => typing.stopped());

  const bytes = computed(() => utf8Bytes(text.value.trim()));
  const isTooLong = computed(() => bytes.value > MAX_TEXT_BYTES);
  const canSend = computed(() => bytes.value > 0 && !isTooLong.value);

  function write(next: string): void {
    text.value = next;
    if (edited.value) return;
    draft.keep(next);
    typing.typed(next);
  }
  function edit(message: LocalMessage | null): void {
    if (!edited.value) aside = text.value;
    edited.value = message;
    if (message) answered.value = null;
    text.value = message ? textOf(message.content, "text") : aside;
  }

  async function save(message: LocalMessage): Promise<void> {
    const words = text.value.trim();
    edit(null);
    try {
      if (message.messageId !== null && words !== textOf(message.content, "text")) await im.edit(message.messageId, words);
    } catch (error) {
      edit(message);
      text.value = words;
      tell(error);
    }
  }

  async function send(): Promise<void> {
    const written = text.value;
    const words = written.trim();
    const original = answered.value;
    const mentions = mentionedIn(words, chosen, MAX_MENTIONS);
    const quote = original && quoteOf(original);
    typing.stopped();
    write("");
    answered.value = null;
    try {
      const sent = await im.send({
        conversationId,
        type: isMarkdown.value ? "markdown" : "text",
        content: { text: words },
        ...(quote && { replyTo: quote.messageId }),
        ...(mentions.length > 0 && { mentions }),
      });
      if (quote) sentQuotes.set(sent.key, quote);
      chosen.length = 0;
    } catch (error) {
      if (text.value === "") write(written);
      answered.value ??= original;
      tell(error);
    }
  }

  return {
    text,
    isMarkdown,
    answered,
    edited,
    bytes,
    isTooLong,
    canSend,
    write,
    edit,
    answer(message) {
      if (edited.value) edit(null);
      answered.value = message;
    },
    mention: (candidate) => void chosen.push(candidate),
    async submit() {
      if (!canSend.value) return;
      await (edited.value ? save(edited.value) : send());
    },
    async sendCard(userId) {
      try {
        await im.send({ conversationId, type: "card", content: { userId } });
      } catch (error) {
        tell(error);
      }
    },
  };
}
