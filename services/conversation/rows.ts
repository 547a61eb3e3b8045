import type { Row } from "../../mixins/database/port.ts";

/** A row of `conversation_member`. */
export interface MemberRow {
  user_id: string | number;
  conversation_id: string;
  active: number;
  min_seq: number;
  max_seq: number | null;
  read_seq: number;
  read_at: number;
  shown_seq: number;
  shown_at: number;
  delivered_seq: number;
  delivered_at: number;
  told_seq: number;
  pinned: number;
  muted: number;
  hidden_seq: number | null;
  draft: string;
  since_seq: number;
  /** The user's counter at the row's last change (see `versions.ts`). */
  version: number;
  created_at: number;
}

export const columns =
  "user_id, conversation_id, active, min_seq, max_seq, read_seq, read_at, shown_seq, shown_at, delivered_seq, delivered_at, told_seq, pinned, muted, hidden_seq, draft, since_seq, version, created_at";

export function newRow(
  userId: string,
  conversationId: string,
  at: number,
  { minSeq, sinceSeq, version }: { minSeq: number; sinceSeq: number; version: number },
): Row {
  return {
    user_id: userId,
    conversation_id: conversationId,
    active: 1,
    min_seq: minSeq,
    max_seq: null,
    read_seq: sinceSeq,
    read_at: at,
    shown_seq: sinceSeq,
    shown_at: at,
    delivered_seq: sinceSeq,
    delivered_at: at,
    told_seq: sinceSeq,
    pinned: 0,
    muted: 0,
    hidden_seq: null,
    draft: "",
    since_seq: sinceSeq,
    version,
    created_at: at,
  };
}
