import { computed, onScopeDispose, shallowRef, type ComputedRef } from "vue";
import { useImEvent } from "../session/use-im-event.ts";
import { im } from "../session/im.ts";

/** Who has not been heard of for so long has stopped. */
const FORGOTTEN_MS = 6_000;
const TOLD_EVERY_MS = 3_000;

export interface Typists {
  readonly userIds: readonly string[];
  readonly isSpeaking: boolean;
}

/** Who is typing, or recording, in a conversation; the one heard of last stands first. */
export function useTypists(conversationId: string): ComputedRef<Typists> {
  const heard = shallowRef<ReadonlyMap<string, "text" | "voice">>(new Map());
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function forget(userId: string): void {
    clearTimeout(timers.get(userId));
    timers.delete(userId);
    if (heard.value.has(userId)) heard.value = new Map([...heard.value].filter(([id]) => id !== userId));
  }
  useImEvent("typing", ({ conversationId: where, userId, kind }) => {
    if (where !== conversationId) return;
    forget(userId);
    if (kind === "none") return;
    heard.value = new Map([[userId, kind], ...heard.value]);
    timers.set(
      userId,
      setTimeout(() => forget(userId), FORGOTTEN_MS),
    );
  });
  useImEvent("message", (message) => {
    if (message.conversationId === conversationId) forget(message.senderId);
  });
  onScopeDispose(() => {
    for (const timer of timers.values()) clearTimeout(timer);
  });
  return computed(() => ({
    userIds: [...heard.value.keys()],
    isSpeaking: heard.value.size > 0 && [...heard.value.values()].every((kind) => kind === "voice"),
  }));
}

/** Tells the others that this user types, every few seconds at most, and that they have stopped. */
export function typingTeller(conversationId: string): { typed(text: string): void; stopped(): void } {
  let toldAt: number | null = null;
  function stopped(): void {
    if (toldAt === null) return;
    toldAt = null;
    im.typing(conversationId, "none");
  }
  return {
    typed(text) {
      if (text === "") return stopped();
      const now = Date.now();
      if (toldAt !== null && now - toldAt < TOLD_EVERY_MS) return;
      toldAt = now;
      im.typing(conversationId, "text");
    },
    stopped,
  };
}
