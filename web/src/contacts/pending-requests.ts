import type { FriendRequest } from "@moleculer-im/client";
import { computed, shallowRef, type ComputedRef } from "vue";
import { im } from "../session/im.ts";
import { useImEvent, useWhenBack } from "../session/use-im-event.ts";

const PAGE = 100;

/** What waits between the user and somebody else. */
export interface PendingBetween {
  readonly sent: FriendRequest | null;
  readonly received: FriendRequest | null;
}

/** Follows the newest friend requests of both directions; the server has the last word on older ones. */
export function usePendingBetween(userId: () => string): ComputedRef<PendingBetween> & { reload(): Promise<void> } {
  const sent = shallowRef<readonly FriendRequest[]>([]);
  const received = shallowRef<readonly FriendRequest[]>([]);

  async function reload(): Promise<void> {
    try {
      const [out, into] = await Promise.all([
        im.call("friend.requests", { direction: "out", limit: PAGE }),
        im.call("friend.requests", { direction: "in", limit: PAGE }),
      ]);
      sent.value = out.items;
      received.value = into.items;
    } catch {
      // Without them a request can be sent all the same, and the server says what waits already.
    }
  }

  useImEvent("requests", () => void reload());
  useWhenBack(() => void reload());
  void reload();
  const between = computed(() => ({
    sent: sent.value.find(({ status, to }) => status === "pending" && to.userId === userId()) ?? null,
    received: received.value.find(({ status, from }) => status === "pending" && from.userId === userId()) ?? null,
  }));
  return Object.assign(between, { reload });
}
