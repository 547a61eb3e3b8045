import type { FriendRequest } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/index.ts";
import { pushVersions, refreshDirect } from "./after-commit.ts";
import type { FriendDeps } from "./deps.ts";
import { presentRequests } from "./list-requests.ts";
import { linkFriends } from "./repository.ts";
import { closeRequest, findRequest, pendingKey, type StoredRequest } from "./request-repository.ts";

export interface RequestAnswer {
  /** Who answers: the person that was asked. */
  readonly userId: string;
  readonly requestId: string;
  readonly action: "accept" | "reject";
}

/** @throws REQUEST_NOT_FOUND also for a request to someone else; REQUEST_HANDLED */
export async function handleRequest(deps: FriendDeps, { userId, requestId, action }: RequestAnswer): Promise<FriendRequest> {
  const versions = await deps.sql.transaction(async (tx) => {
    const request = await findRequest(deps.sql, requestId, tx);
    if (request?.toUserId !== userId) throw imError("REQUEST_NOT_FOUND");
    const done = action === "accept" ? await acceptRequest(deps, tx, requestId) : await rejectRequest(deps, tx, request);
    if (!done) throw imError("REQUEST_HANDLED");
    return done;
  });
  const request = await findRequest(deps.sql, requestId);
  if (!request) throw imError("REQUEST_NOT_FOUND");
  if (versions.size > 0) await refreshDirect(deps.calls, request.fromUserId, request.toUserId);
  await pushVersions(deps.calls, versions);
  const [answered] = await presentRequests(deps.calls, [request]);
  if (!answered) throw imError("REQUEST_NOT_FOUND");
  return answered;
}

/** Makes the two friends. @returns the new versions of both lists; null when the request no longer waits */
export async function acceptRequest(
  deps: Pick<FriendDeps, "sql" | "outbox" | "now" | "requestId">,
  tx: Tx,
  requestId: string,
): Promise<ReadonlyMap<string, number> | null> {
  const { sql, now } = deps;
  const request = await findRequest(sql, requestId, tx);
  if (!request || !(await closeRequest(sql, tx, requestId, "accepted", now()))) return null;
  const versions = await linkFriends(sql, tx, [request.fromUserId, request.toUserId], now());
  await tellHandled(deps, tx, request, true);
  return versions;
}

/** @returns no versions, since no list changed; null when the request no longer waits */
async function rejectRequest(deps: FriendDeps, tx: Tx, request: StoredRequest): Promise<ReadonlyMap<string, number> | null> {
  if (!(await closeRequest(deps.sql, tx, request.requestId, "rejected", deps.now()))) return null;
  await tellHandled(deps, tx, request, false);
  return new Map();
}

async function tellHandled(
  { outbox, requestId: cause }: Pick<FriendDeps, "outbox" | "requestId">,
  tx: Tx,
  { requestId, fromUserId, toUserId }: StoredRequest,
  accepted: boolean,
): Promise<void> {
  const payload = { requestId, fromUserId, toUserId, accepted };
  await outbox.add(tx, {
    subject: "im.friend.request.handled",
    key: pendingKey(fromUserId, toUserId),
    payload,
    requestId: cause,
  });
}
