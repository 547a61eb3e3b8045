import { call, type Calls } from "./service.ts";

/** The last message of a conversation that is readable now; what is in SQL where the hot store does not answer. 0: none */
export async function headOf(calls: Calls, conversationId: string): Promise<number> {
  const items = [{ conversationId, maxSeq: null }];
  const [head] = await call(calls, "message.heads", { items }).catch(() => call(calls, "message.heads", { items, stored: true }));
  return head?.maxSeq ?? 0;
}
