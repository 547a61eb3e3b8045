import type { Database, Tx } from "../../../mixins/database/port.ts";
import { pendingKey } from "./invitations.ts";
import type { SqlId } from "./rows.ts";

export interface JoinRequestRecord {
  readonly requestId: string;
  readonly groupId: string;
  readonly userId: string;
  readonly message: string;
  readonly status: "pending" | "accepted" | "rejected";
  readonly createdAt: number;
  readonly handledAt: number | null;
}
interface JoinRequestRow {
  request_id: SqlId;
  group_id: SqlId;
  user_id: SqlId;
  message: string;
  status: "pending" | "accepted" | "rejected";
  created_at: number;
  handled_at: number | null;
}

const fields = "request_id, group_id, user_id, message, status, created_at, handled_at";
const recordOf = (row: JoinRequestRow): JoinRequestRecord => ({
  requestId: String(row.request_id),
  groupId: String(row.group_id),
  userId: String(row.user_id),
  message: row.message,
  status: row.status,
  createdAt: row.created_at,
  handledAt: row.handled_at,
});

/** False when a request of this person waits already. */
export async function insertJoinRequest(sql: Database, request: JoinRequestRecord, tx: Tx): Promise<boolean> {
  const row = {
    request_id: request.requestId,
    group_id: request.groupId,
    user_id: request.userId,
    message: request.message,
    status: request.status,
    pending_key: pendingKey(request.groupId, request.userId),
    created_at: request.createdAt,
    handled_at: null,
    handled_by: null,
  };
  return (await sql.insertRows("group_join_request", [row], "keep", tx)) === 1;
}

export async function findJoinRequest(
  sql: Database,
  groupId: string,
  requestId: string,
  tx: Tx,
): Promise<JoinRequestRecord | null> {
  const [row] = await sql.select<JoinRequestRow>(
    `select ${fields} from group_join_request where request_id = :requestId and group_id = :groupId`,
    { requestId, groupId },
    tx,
  );
  return row ? recordOf(row) : null;
}

/** Requests that wait, newest first. */
export async function waitingJoinRequests(
  sql: Database,
  groupId: string,
  { before, limit }: { before: string | null; limit: number },
): Promise<JoinRequestRecord[]> {
  const rows = await sql.select<JoinRequestRow>(
    `select ${fields} from group_join_request where group_id = :groupId and status = 'pending' ${before === null ? "" : "and request_id < :before"}
      order by request_id desc limit :limit`,
    { groupId, limit, before },
  );
  return rows.map(recordOf);
}

export async function answerJoinRequest(
  sql: Database,
  answer: { requestId: string; actorId: string; status: "accepted" | "rejected"; now: number },
  tx: Tx,
): Promise<void> {
  await sql.execute(
    "update group_join_request set status = :status, pending_key = null, handled_at = :now, handled_by = :actorId where request_id = :requestId",
    answer,
    tx,
  );
}

/** Requests that the user made, for the export. */
export async function joinRequestsOf(sql: Database, userId: string): Promise<JoinRequestRecord[]> {
  const rows = await sql.select<JoinRequestRow>(
    `select ${fields} from group_join_request where user_id = :userId order by request_id`,
    { userId },
  );
  return rows.map(recordOf);
}

export interface NewInviteLink {
  readonly inviteCode: string;
  readonly groupId: string;
  readonly creatorId: string;
  readonly expiresAt: number | null;
  readonly maxUses: number | null;
  readonly createdAt: number;
}

export async function insertInviteLink(sql: Database, link: NewInviteLink, tx: Tx): Promise<void> {
  const row = {
    invite_code: link.inviteCode,
    group_id: link.groupId,
    creator_id: link.creatorId,
    expires_at: link.expiresAt,
    max_uses: link.maxUses,
    uses: 0,
    created_at: link.createdAt,
  };
  await sql.insertRows("group_invite_link", [row], "fail", tx);
}

/** Uses a link once. @returns who made it; null when it is not of this group, expired or used up */
export async function spendInviteLink(
  sql: Database,
  { inviteCode, groupId, now }: { inviteCode: string; groupId: string; now: number },
  tx: Tx,
): Promise<string | null> {
  const used = await sql.execute(
    `update group_invite_link set uses = uses + 1 where invite_code = :inviteCode and group_id = :groupId
      and (expires_at is null or expires_at > :now) and (max_uses is null or uses < max_uses)`,
    { inviteCode, groupId, now },
    tx,
  );
  if (used === 0) return null;
  const [link] = await sql.select<{ creator_id: SqlId }>(
    "select creator_id from group_invite_link where invite_code = :inviteCode",
    { inviteCode },
    tx,
  );
  return link ? String(link.creator_id) : null;
}
