import type { Message } from "../../../contracts/entities.ts";
import type { Transaction } from "./picture.ts";

/** Older messages that were fetched, ascending, all that there are from `fromSeq` up to below `belowSeq`. */
export interface KeptPage {
  readonly conversationId: string;
  readonly belowSeq: number;
  readonly fromSeq: number;
  readonly items: readonly Message[];
  /** Nothing before them can be seen. */
  readonly isStart: boolean;
}

/** Stores a page that joins what is stored. */
export async function keepPage(tx: Transaction, { conversationId, belowSeq, fromSeq, items, isStart }: KeptPage): Promise<void> {
  const record = tx.conversation(conversationId);
  if (!record || record.from !== belowSeq || record.fromStart) return;
  for (const item of items) {
    const message = tx.newest(item);
    if (message) tx.putMessage(message);
  }
  tx.putConversation({ ...record, from: Math.min(belowSeq, fromSeq), fromStart: record.fromStart || isStart });
}
