import { push, userRoom } from "../../lib/push.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { NotificationDeps } from "./deps.ts";
import { languagesOf, presentNotifications } from "./present.ts";
import type { StoredNotification } from "./repository.ts";

/** Up to so many users are pushed to without asking who is online. */
const FEW = 10;

/** Pushes to those who are online, at most 500 users; the others find it in their list. */
export async function pushNew(
  deps: Pick<NotificationDeps, "sql" | "calls">,
  stored: readonly StoredNotification[],
): Promise<void> {
  const { calls } = deps;
  const online = stored.length > FEW ? await ofOnline(calls, stored) : stored;
  if (online.length === 0) return;
  const languageOf = await languagesOf(
    calls,
    online.map(({ userId }) => userId),
  );
  const presented = await presentNotifications(deps, online, languageOf);
  await push(
    calls,
    presented.map((payload, index) => ({ room: userRoom(online[index]?.userId ?? ""), event: "notification:new", payload })),
  );
}

/** All of them while nobody can say who is online. */
async function ofOnline(calls: Calls, stored: readonly StoredNotification[]): Promise<readonly StoredNotification[]> {
  try {
    const states = await call(calls, "presence.of", { userIds: stored.map(({ userId }) => userId) });
    const online = new Set(states.filter((state) => state["online"] === true).map((state) => state["userId"]));
    return stored.filter(({ userId }) => online.has(userId));
  } catch {
    return stored;
  }
}
