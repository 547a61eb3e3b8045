import type { Message } from "../../contracts/entities.ts";
import { MAX_PAGE } from "../../contracts/limits.ts";
import { call } from "../../lib/service.ts";
import type { UserDeps } from "./deps.ts";
import { ownAccount } from "./profile.ts";
import { toOwnUser } from "./repository.ts";

const MESSAGES_PER_PAGE = 1_000;

/**
 * All of the caller's own data (S26). It is complete or fails: a service that is away is an error and not a gap.
 * `deps.calls` carries the caller.
 */
export async function exportData(
  deps: Pick<UserDeps, "sql" | "calls" | "now">,
  userId: string,
): Promise<Record<string, unknown>> {
  const { calls } = deps;
  const user = toOwnUser(await ownAccount(deps, userId));
  const [settings, devices, friends, groups, conversations, notifications, messages] = await Promise.all([
    call(calls, "settings.get", {}),
    call(calls, "auth.devices", { limit: MAX_PAGE }),
    call(calls, "friend.exportOf", { userId }),
    call(calls, "group.exportOf", { userId }),
    call(calls, "conversation.exportOf", { userId }),
    call(calls, "notification.exportOf", { userId }),
    ownMessages(deps, userId),
  ]);
  return {
    exportedAt: deps.now(),
    user,
    settings,
    devices: devices.items,
    friends,
    groups,
    conversations,
    notifications,
    messages,
  };
}

async function ownMessages({ calls }: Pick<UserDeps, "calls">, userId: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const last = messages.at(-1);
    const after = last && { conversationId: last.conversationId, seq: last.seq };
    const page = await call(calls, "message.exportOf", { userId, limit: MESSAGES_PER_PAGE, ...(after && { after }) });
    messages.push(...page);
    if (page.length < MESSAGES_PER_PAGE) return messages;
  }
}
