import { FRIEND_REQUESTS_PER_DAY } from "../../config/limits.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { Tx } from "../../mixins/database/index.ts";
import { pushVersions, refreshDirect } from "./after-commit.ts";
import type { RequestDeps } from "./deps.ts";
import { acceptRequest } from "./handle-request.ts";
import { isListed } from "./list-repository.ts";
import { isActive } from "./people.ts";
import { findFriendship } from "./repository.ts";
import { findPending, insertRequest, pendingKey } from "./request-repository.ts";
import { decideRequest, type RequestDecision, type RequestFacts } from "./request-rules.ts";

const DAY_MS = 86_400_000;
/** Each further try means that someone else has just asked or answered between the same two. */
const MAX_TRIES = 5;

export interface FriendshipRequest {
  readonly fromUserId: string;
  readonly toUserId: string;
  readonly message: string;
}

interface Stored {
  readonly requestId: string;
  /** New versions of both lists when this made them friends. */
  readonly versions: ReadonlyMap<string, number> | null;
}

/**
 * Stores a request, or accepts the one that waits from the other side. However many ask at once, one request waits between
 * two people. Someone who is blocked gets the same answers as anyone; their request waits where the other does not see it,
 * and nobody is notified of it.
 */
export async function requestFriendship(deps: RequestDeps, input: FriendshipRequest): Promise<{ requestId: string }> {
  const { fromUserId, toUserId } = input;
  const target = await targetFacts(deps, input);
  const foreseen = await decide(deps, input, target);
  if (foreseen.kind === "send") await countRequest(deps, fromUserId);
  const stored = await storeDecision(deps, input, target);
  if (stored.versions) {
    await refreshDirect(deps.calls, fromUserId, toUserId);
    await pushVersions(deps.calls, stored.versions);
  }
  return { requestId: stored.requestId };
}

type TargetFacts = Pick<RequestFacts, "isActive" | "acceptsRequests">;

async function targetFacts({ calls }: RequestDeps, { toUserId }: FriendshipRequest): Promise<TargetFacts> {
  const [active, settings] = await Promise.all([isActive(calls, toUserId), call(calls, "settings.of", { userIds: [toUserId] })]);
  return { isActive: active, acceptsRequests: settings[toUserId]?.whoMayAddMe !== "nobody" };
}

/** @throws the refusal */
async function decide(
  { sql }: RequestDeps,
  input: FriendshipRequest,
  target: TargetFacts,
  tx?: Tx,
): Promise<Exclude<RequestDecision, { kind: "refuse" }>> {
  const { fromUserId, toUserId } = input;
  // In this order: a request that is accepted meanwhile is seen as one or as a friendship, never as neither.
  const pending = await findPending(sql, fromUserId, toUserId, tx);
  const friendship = await findFriendship(sql, fromUserId, toUserId, tx);
  const decision = decideRequest(fromUserId, toUserId, { ...target, pending, areFriends: friendship !== null });
  if (decision.kind === "refuse") throw imError(decision.error);
  return decision;
}

/** @throws QUOTA_EXCEEDED with `retryAfterMs` */
async function countRequest({ limits }: RequestDeps, userId: string): Promise<void> {
  const retryAfterMs = (await limits?.consume(`quota:friend-request:${userId}`, FRIEND_REQUESTS_PER_DAY, DAY_MS)) ?? 0;
  if (retryAfterMs > 0) throw imError("QUOTA_EXCEEDED", { retryAfterMs });
}

async function storeDecision(deps: RequestDeps, input: FriendshipRequest, target: TargetFacts): Promise<Stored> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await deps.sql.transaction(async (tx) => {
      const decision = await decide(deps, input, target, tx);
      return decision.kind === "send" ? storeRequest(deps, tx, input) : acceptPending(deps, tx, decision.requestId);
    });
    if (stored) return stored;
  }
  throw imError("UNAVAILABLE");
}

/** null when someone was faster. */
async function acceptPending(deps: RequestDeps, tx: Tx, requestId: string): Promise<Stored | null> {
  const versions = await acceptRequest(deps, tx, requestId);
  return versions && { requestId, versions };
}

/** null when someone was faster. */
async function storeRequest(
  { sql, ids, outbox, now, requestId: cause }: RequestDeps,
  tx: Tx,
  input: FriendshipRequest,
): Promise<Stored | null> {
  const requestId = ids.next();
  if (!(await insertRequest(sql, tx, { ...input, requestId, createdAt: now() }))) return null;
  if (!(await isListed(sql, "block_list", input.toUserId, input.fromUserId, tx))) {
    const { fromUserId, toUserId } = input;
    const key = pendingKey(fromUserId, toUserId);
    const payload = { requestId, fromUserId, toUserId };
    await outbox.add(tx, { subject: "im.friend.request.sent", key, payload, requestId: cause });
  }
  return { requestId, versions: null };
}
