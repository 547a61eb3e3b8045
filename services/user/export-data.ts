import { Readable } from "node:stream";
import type { Favorite, Message, Notification, ScheduledMessage } from "../../contracts/entities.ts";
import { MAX_PAGE } from "../../contracts/limits.ts";
import type { Caller } from "../../contracts/meta.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { UserDeps } from "./deps.ts";
import { ownAccount } from "./profile.ts";
import { toOwnUser } from "./repository.ts";

/** Messages, or notifications, that are read at once: what an export takes of memory, however many there are. */
export const EXPORT_PAGE = 200;

export type ExportDeps = Pick<UserDeps, "sql" | "calls" | "now">;
type Pages<T> = AsyncIterable<readonly T[]>;

/**
 * All of the caller's own data (S26), as the text of one JSON object. A page is read when the one before it was taken; whoever
 * stops reading and destroys the stream ends that.
 *
 * It is complete or fails: what cannot be read at all is an error before anything is given, what fails later breaks the text
 * off, as does the end of the caller's session. `deps.calls` carries the caller, and works as long as the stream.
 */
export async function exportData(deps: ExportDeps, caller: Caller): Promise<Readable> {
  const { calls } = deps;
  const { userId } = caller;
  const user = toOwnUser(await ownAccount(deps, userId));
  const [settings, devices, friends, groups, conversations, notifications, messages, scheduled, favorites] = await Promise.all([
    call(calls, "settings.get", {}),
    call(calls, "auth.devices", { limit: MAX_PAGE }),
    call(calls, "friend.exportOf", { userId }),
    call(calls, "group.exportOf", { userId }),
    call(calls, "conversation.exportOf", { userId }),
    pagesOf(deps, caller, (last?: Notification) =>
      call(calls, "notification.exportOf", { userId, limit: EXPORT_PAGE, ...(last && { before: last.notificationId }) }),
    ),
    pagesOf(deps, caller, (last?: Message) =>
      call(calls, "message.exportOf", { userId, limit: EXPORT_PAGE, ...(last && { after: positionOf(last) }) }),
    ),
    pagesOf(deps, caller, (last?: ScheduledMessage) =>
      call(calls, "scheduler.exportOf", {
        ...{ userId, limit: EXPORT_PAGE },
        ...(last && { after: { sendAt: last.sendAt, scheduledId: last.scheduledId } }),
      }),
    ),
    pagesOf(deps, caller, (last?: Favorite) =>
      call(calls, "message.exportFavorites", { userId, limit: EXPORT_PAGE, ...(last && { before: last.favoriteId }) }),
    ),
  ]);
  const small = { exportedAt: deps.now(), user, settings, devices: devices.items, friends, groups, conversations };
  return Readable.from(textOf(small, { notifications, messages, scheduled, favorites }), { objectMode: false });
}

const positionOf = ({ conversationId, seq }: Message) => ({ conversationId, seq });

/** Reads the first page at once and each other one when it is asked for; a short page is the last. */
async function pagesOf<T>(deps: ExportDeps, caller: Caller, read: (last?: T) => Promise<T[]>): Promise<Pages<T>> {
  const first = await read();
  return (async function* () {
    for (let page = first; ; page = await read(page.at(-1))) {
      yield page;
      if (page.length < EXPORT_PAGE) return;
      await checkSession(deps, caller);
    }
  })();
}

/** A download may take longer than a session. @throws SESSION_ENDED */
async function checkSession({ calls }: ExportDeps, { sessionId }: Caller): Promise<void> {
  const ended = await call(calls, "auth.endedAmong", { sessionIds: [sessionId] });
  if (ended.length > 0) throw imError("SESSION_ENDED");
}

async function* textOf(small: object, lists: Readonly<Record<string, Pages<unknown>>>): AsyncGenerator<string> {
  yield JSON.stringify(small).slice(0, -1);
  for (const [name, pages] of Object.entries(lists)) {
    let before = `,${JSON.stringify(name)}:[`;
    for await (const page of pages) {
      if (page.length === 0) continue;
      yield before + JSON.stringify(page).slice(1, -1);
      before = ",";
    }
    yield before === "," ? "]" : `${before}]`;
  }
  yield "}";
}
