import { onScopeDispose } from "vue";
import { MAX_DRAFT_LENGTH } from "../../../contracts/limits.ts";
import { im } from "../session/im.ts";

const KEPT_AFTER_MS = 1_000;
/** What a draft may not hold, which no keyboard writes. */
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\p{Surrogate}/gu;

/** A draft as it may be kept: at most so many characters. */
export const draftOf = (text: string): string => [...text.replace(NO_TEXT, "")].slice(0, MAX_DRAFT_LENGTH).join("");

/** Keeps what is being written with its conversation: a while after the last key, and when one leaves. */
export function useDraft(conversationId: string, initial: string): { keep(text: string): void } {
  let kept = initial;
  let latest = initial;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function write(): void {
    timer = null;
    if (latest === kept) return;
    kept = latest;
    // What cannot be kept is still in the field.
    im.updateConversation(conversationId, { draft: latest }).catch(() => undefined);
  }
  function writeNow(): void {
    if (timer !== null) clearTimeout(timer);
    write();
  }
  globalThis.addEventListener("pagehide", writeNow);
  onScopeDispose(() => {
    globalThis.removeEventListener("pagehide", writeNow);
    writeNow();
  });
  return {
    keep(text) {
      latest = draftOf(text);
      if (latest === "") return writeNow();
      timer ??= setTimeout(write, KEPT_AFTER_MS);
    },
  };
}
