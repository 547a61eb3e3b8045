import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import type { Result } from "../../contracts/index.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { refreshDirect } from "./after-commit.ts";
import type { FriendDeps } from "./deps.ts";
import { addToList, entriesOf, takeOffList, type UserList } from "./list-repository.ts";
import { checkOther, usersById } from "./people.ts";
import { pendingKey } from "./request-repository.ts";

/** Keeps the friendship as it is. @throws CANNOT_ADD_SELF, USER_NOT_FOUND */
export async function blockUser(deps: FriendDeps, userId: string, peerId: string): Promise<void> {
  await checkOther(deps.calls, userId, peerId);
  await changeBlock(deps, userId, peerId, true);
}

/** Does nothing when there is no block. */
export async function unblockUser(deps: FriendDeps, userId: string, peerId: string): Promise<void> {
  await changeBlock(deps, userId, peerId, false);
}

async function changeBlock(
  { sql, outbox, calls, now, requestId }: FriendDeps,
  userId: string,
  peerId: string,
  blocked: boolean,
): Promise<void> {
  const isNew = await sql.transaction(async (tx) => {
    const list = "block_list";
    const changed = blocked
      ? await addToList(sql, tx, list, userId, peerId, now())
      : await takeOffList(sql, tx, list, userId, peerId);
    if (changed) {
      const payload = { userId, peerId, blocked };
      await outbox.add(tx, { subject: "im.friend.block.changed", key: pendingKey(userId, peerId), payload, requestId });
    }
    return changed;
  });
  if (isNew) await refreshDirect(calls, userId, peerId);
}

/** @throws CANNOT_ADD_SELF, USER_NOT_FOUND */
export async function allowUser({ sql, calls, now }: FriendDeps, userId: string, peerId: string): Promise<void> {
  await checkOther(calls, userId, peerId);
  await sql.transaction((tx) => addToList(sql, tx, "allow_list", userId, peerId, now()));
}

/** Does nothing when they are not on the list. */
export async function disallowUser({ sql }: Pick<FriendDeps, "sql">, userId: string, peerId: string): Promise<void> {
  await sql.transaction((tx) => takeOffList(sql, tx, "allow_list", userId, peerId));
}

export interface ListPage {
  readonly userId: string;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export async function pageOfList(
  { sql, calls }: Pick<FriendDeps, "sql" | "calls">,
  list: UserList,
  input: ListPage,
): Promise<Result<"friend.blocked">> {
  const { userId, limit = DEFAULT_PAGE, cursor } = input;
  const found = await entriesOf(sql, list, userId, idCursor(cursor), limit + 1);
  const { rows, nextCursor } = toPage(found, limit, ({ peerId }) => peerId);
  const users = await usersById(
    calls,
    rows.map(({ peerId }) => peerId),
  );
  const items = rows.flatMap(({ peerId, since }) => {
    const user = users.get(peerId);
    return user ? [{ user, since }] : [];
  });
  return { items, nextCursor };
}
