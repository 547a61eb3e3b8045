import type { FriendRequest } from "../../contracts/entities.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import type { Calls } from "../../lib/service.ts";
import type { FriendDeps } from "./deps.ts";
import { usersById } from "./people.ts";
import { requestsOf, type StoredRequest } from "./request-repository.ts";

export interface RequestPage {
  readonly userId: string;
  /** Default: those that came in. */
  readonly direction?: "in" | "out" | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export async function listRequests(
  { sql, calls }: Pick<FriendDeps, "sql" | "calls">,
  input: RequestPage,
): Promise<{ items: FriendRequest[]; nextCursor: string | null }> {
  const { userId, direction = "in", limit = DEFAULT_PAGE, cursor } = input;
  const found = await requestsOf(sql, userId, direction, idCursor(cursor), limit + 1);
  const { rows, nextCursor } = toPage(found, limit, (request) => request.requestId);
  return { items: await presentRequests(calls, rows), nextCursor };
}

/** Puts in the people; a request of someone who cannot be found at all is left out. */
export async function presentRequests(calls: Calls, requests: readonly StoredRequest[]): Promise<FriendRequest[]> {
  const users = await usersById(
    calls,
    requests.flatMap(({ fromUserId, toUserId }) => [fromUserId, toUserId]),
  );
  return requests.flatMap(({ fromUserId, toUserId, ...request }) => {
    const from = users.get(fromUserId);
    const to = users.get(toUserId);
    return from && to ? [{ ...request, from, to }] : [];
  });
}
