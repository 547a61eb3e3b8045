import type { JoinRequest } from "../../contracts/entities.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { call } from "../../lib/service.ts";
import { admit } from "./admit.ts";
import { assertMay, changeAsMember, groupOfMember, type ChangeDraft, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { answerJoinRequest, findJoinRequest, waitingJoinRequests, type JoinRequestRecord } from "./repository/joining.ts";

/** Those that wait, newest first. @throws ROLE_FORBIDS */
export async function listJoinRequests(
  deps: Pick<GroupDeps, "sql" | "calls">,
  who: Who,
  { limit = DEFAULT_PAGE, cursor }: { limit?: number; cursor?: string },
): Promise<{ items: JoinRequest[]; nextCursor: string | null }> {
  const before = idCursor(cursor);
  const { me } = await groupOfMember(deps.sql, who);
  assertMay(me.role, "answerRequests");
  const { rows, nextCursor } = toPage(
    await waitingJoinRequests(deps.sql, who.groupId, { before, limit: limit + 1 }),
    limit,
    ({ requestId }) => requestId,
  );
  return { items: await viewJoinRequests(deps, rows), nextCursor };
}

/** @throws ROLE_FORBIDS, JOIN_REQUEST_NOT_FOUND, JOIN_REQUEST_HANDLED, GROUP_FULL */
export async function handleJoinRequest(
  deps: GroupDeps,
  who: Who,
  { requestId, action }: { requestId: string; action: "accept" | "reject" },
): Promise<JoinRequest> {
  const accepted = action === "accept";
  const handled = await changeAsMember(deps, who, async ({ tx, version, me }) => {
    assertMay(me.role, "answerRequests");
    const request = await findJoinRequest(deps.sql, who.groupId, requestId, tx);
    if (!request) throw imError("JOIN_REQUEST_NOT_FOUND");
    if (request.status !== "pending") throw imError("JOIN_REQUEST_HANDLED");
    const joined = accepted ? await admit(deps, { tx, version, groupId: who.groupId }, [request.userId]) : [];
    const now = deps.now();
    const status = accepted ? "accepted" : "rejected";
    await answerJoinRequest(deps.sql, { requestId, actorId: who.userId, status, now }, tx);
    const payload = { requestId, groupId: who.groupId, userId: request.userId, actorId: who.userId, accepted };
    await deps.outbox.add(tx, { subject: "im.group.join.handled", key: requestId, payload, requestId: deps.requestId });
    const changes: ChangeDraft[] = joined.length > 0 ? [{ event: "member.joined", userIds: joined }] : [];
    return { result: { ...request, status, handledAt: now } as const, changes };
  });
  const [view] = await viewJoinRequests(deps, [handled]);
  if (!view) throw imError("JOIN_REQUEST_NOT_FOUND");
  return view;
}

async function viewJoinRequests(deps: Pick<GroupDeps, "calls">, requests: readonly JoinRequestRecord[]): Promise<JoinRequest[]> {
  if (requests.length === 0) return [];
  const users = await call(deps.calls, "user.getMany", { userIds: requests.map(({ userId }) => userId) });
  const userOf = new Map(users.map((user) => [user.userId, user]));
  return requests.flatMap(({ userId, ...request }) => {
    const user = userOf.get(userId);
    return user ? [{ ...request, user }] : [];
  });
}
