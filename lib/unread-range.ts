import { MAX_COUNTED_UNREAD } from "../contracts/limits.ts";

export interface Cursor {
  /** The first and the last seq that the user can see. */
  readonly minSeq: number;
  readonly maxSeq: number;
  readonly readSeq: number;
}

/** What may be unread of a conversation: behind the cursor, the newest that are counted; null: nothing. */
export function unreadRange({ minSeq, maxSeq, readSeq }: Cursor): { minSeq: number; maxSeq: number } | null {
  const from = Math.max(readSeq + 1, minSeq, maxSeq - MAX_COUNTED_UNREAD + 1);
  return from > maxSeq ? null : { minSeq: from, maxSeq };
}
