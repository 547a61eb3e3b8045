import type { HotConversations } from "../../mixins/hot-store/port.ts";
import { accepting } from "./hot-store-conversations/accepting.ts";
import { pace } from "./hot-store-conversations/pace.ts";
import { pending } from "./hot-store-conversations/pending.ts";
import type { Using } from "./hot-store-conversations/requests.ts";
import { whoMaySend } from "./hot-store-conversations/who-may-send.ts";

export interface ConversationsHarness {
  readonly conversations: HotConversations;
  close(): Promise<void>;
}

/** Every promise of `HotConversations`, for one implementation. */
export function hotConversationsContract(name: string, open: () => Promise<ConversationsHarness>): void {
  const using: Using = (work) => async () => {
    const harness = await open();
    await work(harness.conversations).finally(() => harness.close());
  };
  accepting(name, using);
  whoMaySend(name, using);
  pending(name, using);
  pace(name, using);
}
