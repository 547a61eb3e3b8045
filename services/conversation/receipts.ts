import { RECEIPTS_EVERY_MS } from "../../config/limits.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { toConversation } from "../../lib/message-view.ts";
import { userRoom, type Deliveries } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import { stateOf, type MembersDeps } from "./members.ts";

/** That somebody has got, or read, all up to a seq. */
export interface Receipt {
  readonly conversationId: string;
  readonly userId: string;
  readonly kind: "read" | "delivered";
  readonly seq: number;
  readonly at: number;
}

/** What a conversation's members were told in this while, and what they are told at its end. */
interface Window {
  readonly told: Map<string, number>;
  readonly waiting: Map<string, Receipt>;
  timer: NodeJS.Timeout;
}

/**
 * Tells the others how far somebody has got. The first receipt in a quiet conversation goes out at once; those that follow
 * within `RECEIPTS_EVERY_MS` go together in one push, of each user and kind the newest. A receipt that says no more than one
 * of this while is not told again.
 */
export class ReceiptPushes {
  readonly #windows = new Map<string, Window>();
  readonly #push: (deliveries: Deliveries) => Promise<void>;

  /** @param push never rejects */
  constructor(push: (deliveries: Deliveries) => Promise<void>) {
    this.#push = push;
  }

  tell(receipt: Receipt): void {
    const { conversationId, seq } = receipt;
    const key = keyOf(receipt);
    const window = this.#windows.get(conversationId);
    if (!window) {
      this.#windows.set(conversationId, this.#open(conversationId, [receipt]));
      void this.#push(deliveriesOf([receipt]));
      return;
    }
    const known = Math.max(window.told.get(key) ?? 0, window.waiting.get(key)?.seq ?? 0);
    if (seq > known) window.waiting.set(key, receipt);
  }

  /** Pushes what waits, for a node that stops. */
  async flush(): Promise<void> {
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    for (const { timer } of windows) clearTimeout(timer);
    await this.#push(deliveriesOf(windows.flatMap(({ waiting }) => [...waiting.values()])));
  }

  #open(conversationId: string, told: readonly Receipt[]): Window {
    return {
      told: new Map(told.map((receipt) => [keyOf(receipt), receipt.seq])),
      waiting: new Map(),
      timer: setTimeout(() => this.#close(conversationId), RECEIPTS_EVERY_MS).unref(),
    };
  }

  #close(conversationId: string): void {
    const due = [...(this.#windows.get(conversationId)?.waiting.values() ?? [])];
    if (due.length === 0) return void this.#windows.delete(conversationId);
    this.#windows.set(conversationId, this.#open(conversationId, due));
    void this.#push(deliveriesOf(due));
  }
}

const keyOf = ({ kind, userId }: Receipt): string => `${kind} ${userId}`;

const deliveriesOf = (receipts: readonly Receipt[]): Deliveries =>
  receipts.flatMap(({ kind, ...receipt }) =>
    toConversation(receipt.conversationId, `receipt:${kind}`, receipt, [userRoom(receipt.userId)]),
  );

/**
 * Whether the others are told how far the user gets: not in groups above a size, where it would be noise; not while one of two
 * has blocked the other, or they are no friends any more; not while the user hides receipts. What is kept from them stays so;
 * the next reading that is not tells them.
 */
export async function othersMayKnow(deps: MembersDeps, userId: string, conversationId: string): Promise<boolean> {
  const isDirect = parseConversationId(conversationId)?.type === "direct";
  const [isTooLarge, isRefused, settings] = await Promise.all([
    isQuiet(deps, conversationId),
    isDirect && stateOf(deps, conversationId, userId).then((state) => state?.refusal !== null),
    call(deps.calls, "settings.of", { userIds: [userId] }),
  ]);
  return !isTooLarge && !isRefused && (settings[userId]?.showReadReceipts ?? true);
}

/** Whether receipts and typing are kept quiet in this conversation, since so many would hear them. */
export async function isQuiet({ calls }: Pick<MembersDeps, "calls">, conversationId: string): Promise<boolean> {
  const parsed = parseConversationId(conversationId);
  return parsed?.type === "group" && (await call(calls, "group.memberCount", { groupId: parsed.groupId })) > MAX_READERS_GROUP;
}
