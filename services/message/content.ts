import { sentContent } from "../../contracts/content.ts";
import type { Content, SendableType } from "../../contracts/entities.ts";
import { MAX_CONTENT_BYTES, MAX_TEXT_BYTES } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { shortHash } from "../../lib/short-hash.ts";
import { checkJson, checkOf, prefixed } from "../../lib/validation.ts";

const checks = Object.fromEntries(
  Object.entries(sentContent).map(([type, schema]) => [type, prefixed("content", checkOf(schema))]),
);

/**
 * Checks what a client sent as content against its type.
 * @throws VALIDATION with the fields named, TEXT_TOO_LARGE
 */
export function checkContent(type: SendableType, content: Content): void {
  checks[type]!(content);
  if (type === "text" || type === "markdown") {
    const { text } = content as { text: string };
    // A character takes at most three bytes of UTF-8, so that most texts need no counting.
    if (text.length * 3 > MAX_TEXT_BYTES && Buffer.byteLength(text) > MAX_TEXT_BYTES)
      throw imError("TEXT_TOO_LARGE", { maxBytes: MAX_TEXT_BYTES });
    return;
  }
  checkJson(content, "content");
  if (Buffer.byteLength(JSON.stringify(content)) > MAX_CONTENT_BYTES)
    throw imError("TEXT_TOO_LARGE", { maxBytes: MAX_CONTENT_BYTES });
}

/** What a message says, as its sender sent it. */
export interface Body {
  readonly type: string;
  readonly content: Content;
  readonly replyTo?: string | undefined;
  readonly mentions?: readonly string[] | undefined;
  readonly threadId?: string | undefined;
  readonly burnAfterMs?: number | undefined;
}

/** 128 bits that tell whether a repeated clientMsgId came with the same body. */
export function bodyHash({ type, content, replyTo, mentions, threadId, burnAfterMs }: Body): string {
  const rare = [...(threadId === undefined ? [] : [threadId]), ...(burnAfterMs === undefined ? [] : [{ burnAfterMs }])];
  return shortHash([type, content, replyTo ?? null, mentions?.length ? mentions : null, ...rare]);
}
