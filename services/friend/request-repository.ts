import type { FriendRequest } from "../../contracts/entities.ts";
import { MAX_ID } from "../../lib/page.ts";
import type { Database, Tx } from "../../mixins/database/index.ts";

interface RequestRow {
  request_id: string | number;
  from_user_id: string | number;
  to_user_id: string | number;
  message: string;
  status: string;
  created_at: number;
  handled_at: number | null;
}

export interface StoredRequest {
  readonly requestId: string;
  readonly fromUserId: string;
  readonly toUserId: string;
  readonly message: string;
  readonly status: FriendRequest["status"];
  readonly createdAt: number;
  readonly handledAt: number | null;
}

const columns = "r.request_id, r.from_user_id, r.to_user_id, r.message, r.status, r.created_at, r.handled_at";

/**
 * What the person asked gets to see: a request that waits from someone they have blocked is not there, until they lift the
 * block. Its sender sees it like any other (S23).
 */
const shownToReceiver =
  "not (r.status = 'pending' and exists (select 1 from block_list b where b.user_id = r.to_user_id and b.peer_id = r.from_user_id))";

const requestOf = (row: RequestRow): StoredRequest => ({
  requestId: String(row.request_id),
  fromUserId: String(row.from_user_id),
  toUserId: String(row.to_user_id),
  message: row.message,
  status: row.status as FriendRequest["status"],
  createdAt: row.created_at,
  handledAt: row.handled_at,
});

/** The same for both sides; unique among the requests that wait. */
export function pendingKey(a: string, b: string): string {
  return BigInt(a) < BigInt(b) ? `${a}_${b}` : `${b}_${a}`;
}

/** False when a request between the two waits already. */
export async function insertRequest(
  sql: Database,
  tx: Tx,
  request: Pick<StoredRequest, "requestId" | "fromUserId" | "toUserId" | "message" | "createdAt">,
): Promise<boolean> {
  const { requestId, fromUserId, toUserId, message, createdAt } = request;
  const inserted = await sql.insertRows(
    "friend_request",
    [
      {
        request_id: requestId,
        from_user_id: fromUserId,
        to_user_id: toUserId,
        message,
        status: "pending",
        pending_key: pendingKey(fromUserId, toUserId),
        created_at: createdAt,
        handled_at: null,
      },
    ],
    "keep",
    tx,
  );
  return inserted > 0;
}

export async function findRequest(sql: Database, requestId: string, tx?: Tx): Promise<StoredRequest | null> {
  const [row] = await sql.select<RequestRow>(
    `select ${columns} from friend_request r where r.request_id = :requestId`,
    { requestId },
    tx,
  );
  return row ? requestOf(row) : null;
}

/** The request that waits between the two, from either side. */
export async function findPending(sql: Database, a: string, b: string, tx?: Tx): Promise<StoredRequest | null> {
  const [row] = await sql.select<RequestRow>(
    `select ${columns} from friend_request r where r.pending_key = :key`,
    { key: pendingKey(a, b) },
    tx,
  );
  return row ? requestOf(row) : null;
}

/** False when it was answered before. */
export async function closeRequest(
  sql: Database,
  tx: Tx,
  requestId: string,
  status: "accepted" | "rejected",
  now: number,
): Promise<boolean> {
  const closed = await sql.execute(
    `update friend_request set status = :status, pending_key = null, handled_at = :now where request_id = :requestId and status = 'pending'`,
    { status, now, requestId },
    tx,
  );
  return closed > 0;
}

/** Newest first, below `before`. */
export async function requestsOf(
  sql: Database,
  userId: string,
  direction: "in" | "out",
  before: string | null,
  limit: number,
): Promise<StoredRequest[]> {
  const whose = direction === "in" ? `r.to_user_id = :userId and ${shownToReceiver}` : "r.from_user_id = :userId";
  const rows = await sql.select<RequestRow>(
    `select ${columns} from friend_request r where ${whose} and r.request_id < :before order by r.request_id desc limit :limit`,
    { userId, before: before ?? MAX_ID, limit },
  );
  return rows.map(requestOf);
}

/** Rejects what waits from and to a user who is gone, and forgets what they wrote. */
export async function forgetRequestsOf(sql: Database, tx: Tx, userId: string, now: number): Promise<void> {
  for (const column of ["from_user_id", "to_user_id"]) {
    await sql.execute(
      `update friend_request set status = 'rejected', pending_key = null, handled_at = :now where ${column} = :userId and status = 'pending'`,
      { now, userId },
      tx,
    );
  }
  await sql.execute(`update friend_request set message = '' where from_user_id = :userId`, { userId }, tx);
}
