import type { Database, Tx } from "../../../mixins/database/port.ts";
import { roleNumber, type SqlId } from "./rows.ts";

/** How invitations and requests to join stand in SQL; one whose time is over is expired also while it stands as pending. */
export type StoredStatus = "pending" | "accepted" | "rejected" | "expired";

export interface InvitationRecord {
  readonly invitationId: string;
  readonly groupId: string;
  readonly inviterId: string;
  readonly inviteeId: string;
  readonly status: StoredStatus;
  readonly expiresAt: number;
}
interface InvitationRow {
  invitation_id: SqlId;
  group_id: SqlId;
  inviter_id: SqlId;
  invitee_id: SqlId;
  status: StoredStatus;
  expires_at: number;
}

/** Unique while something of this person waits in this group, so that it waits only once. */
export const pendingKey = (groupId: string, userId: string): string => `${groupId}_${userId}`;

const fields = "i.invitation_id, i.group_id, i.inviter_id, i.invitee_id, i.status, i.expires_at";
const recordOf = (row: InvitationRow): InvitationRecord => ({
  invitationId: String(row.invitation_id),
  groupId: String(row.group_id),
  inviterId: String(row.inviter_id),
  inviteeId: String(row.invitee_id),
  status: row.status,
  expiresAt: row.expires_at,
});

export interface NewInvitation {
  readonly invitationId: string;
  readonly groupId: string;
  readonly inviterId: string;
  readonly inviteeId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export async function insertInvitations(sql: Database, invitations: readonly NewInvitation[], tx: Tx): Promise<void> {
  if (invitations.length === 0) return;
  const rows = invitations.map((one) => ({
    invitation_id: one.invitationId,
    group_id: one.groupId,
    inviter_id: one.inviterId,
    invitee_id: one.inviteeId,
    status: "pending",
    pending_key: pendingKey(one.groupId, one.inviteeId),
    created_at: one.createdAt,
    expires_at: one.expiresAt,
    handled_at: null,
  }));
  await sql.insertRows("group_invitation", rows, "fail", tx);
}

/** The inviter of `i` still may invite into `g`, as `mayInvite` says: what they sent lets nobody in otherwise. */
const joinInviter = `join group_member m on m.group_id = i.group_id and m.user_id = i.inviter_id and m.left_at is null
  and (g.member_invite = 1 or m.role < ${roleNumber("member")})`;

/** Those of the given whose invitation into the group waits: it has not expired, and its inviter may still invite. */
export async function invitedAmong(
  sql: Database,
  groupId: string,
  userIds: readonly string[],
  now: number,
  tx?: Tx,
): Promise<Set<string>> {
  const rows = await sql.select<{ invitee_id: SqlId }>(
    `select i.invitee_id from group_invitation i join im_group g on g.group_id = i.group_id ${joinInviter}
      where i.pending_key in (:keys) and i.expires_at > :now`,
    { keys: userIds.map((userId) => pendingKey(groupId, userId)), now },
    tx,
  );
  return new Set(rows.map((row) => String(row.invitee_id)));
}

/** People of whom something waits in a group. */
export interface Waiting {
  readonly groupId: string;
  readonly userIds: readonly string[];
  readonly now: number;
}

/** Makes room for new invitations in the place of those that let nobody in any more. */
export async function expireInvitations(sql: Database, waiting: Waiting, tx: Tx): Promise<void> {
  await endWaiting(sql, "group_invitation", "expired", waiting, tx);
}

/** Whatever waited of these people in the group is done: they are members now. */
export async function closeWaiting(sql: Database, waiting: Waiting, tx: Tx): Promise<void> {
  await endWaiting(sql, "group_invitation", "accepted", waiting, tx);
  await endWaiting(sql, "group_join_request", "accepted", waiting, tx);
}

async function endWaiting(
  sql: Database,
  table: "group_invitation" | "group_join_request",
  status: StoredStatus,
  { groupId, userIds, now }: Waiting,
  tx: Tx,
): Promise<void> {
  if (userIds.length === 0) return;
  await sql.execute(
    `update ${table} set status = :status, pending_key = null, handled_at = :now where pending_key in (:keys)`,
    { status, now, keys: userIds.map((userId) => pendingKey(groupId, userId)) },
    tx,
  );
}

export async function findInvitation(sql: Database, invitationId: string, tx: Tx): Promise<InvitationRecord | null> {
  const [row] = await sql.select<InvitationRow>(
    `select ${fields} from group_invitation i where i.invitation_id = :invitationId`,
    { invitationId },
    tx,
  );
  return row ? recordOf(row) : null;
}

/** Invitations of people who may still invite, into groups that still exist, which wait for the user, newest first. */
export async function waitingInvitations(
  sql: Database,
  inviteeId: string,
  { before, now, limit }: { before: string | null; now: number; limit: number },
): Promise<InvitationRecord[]> {
  const rows = await sql.select<InvitationRow>(
    `select ${fields} from group_invitation i join im_group g on g.group_id = i.group_id ${joinInviter}
      where i.invitee_id = :inviteeId and i.status = 'pending' and i.expires_at > :now and g.dissolved_at is null
      ${before === null ? "" : "and i.invitation_id < :before"} order by i.invitation_id desc limit :limit`,
    { inviteeId, now, limit, before },
  );
  return rows.map(recordOf);
}

export async function answerInvitation(
  sql: Database,
  invitationId: string,
  status: "accepted" | "rejected",
  now: number,
  tx: Tx,
): Promise<void> {
  await sql.execute(
    "update group_invitation set status = :status, pending_key = null, handled_at = :now where invitation_id = :invitationId",
    { invitationId, status, now },
    tx,
  );
}

/** What waits for or of a user who is gone will not be answered any more. */
export async function cancelWaitingOf(sql: Database, userId: string, now: number, tx: Tx): Promise<void> {
  for (const [table, column] of [
    ["group_invitation", "invitee_id"],
    ["group_join_request", "user_id"],
  ]) {
    await sql.execute(
      `update ${table} set status = 'rejected', pending_key = null, handled_at = :now where ${column} = :userId and status = 'pending'`,
      { userId, now },
      tx,
    );
  }
}

/** What a user who is gone has written about themselves goes too. */
export async function forgetWordsOf(sql: Database, userId: string, tx: Tx): Promise<void> {
  await sql.execute("update group_join_request set message = '' where user_id = :userId", { userId }, tx);
  await sql.execute("update group_member set nickname = '' where user_id = :userId", { userId }, tx);
}

/** Ends the invitations and invite links that somebody made for a group. */
export async function revokeInvitationsBy(sql: Database, groupId: string, userId: string, now: number, tx: Tx): Promise<void> {
  await sql.execute(
    "update group_invitation set expires_at = :now where group_id = :groupId and inviter_id = :userId and status = 'pending' and expires_at > :now",
    { groupId, userId, now },
    tx,
  );
  await sql.execute(
    "update group_invite_link set expires_at = :now where group_id = :groupId and creator_id = :userId and (expires_at is null or expires_at > :now)",
    { groupId, userId, now },
    tx,
  );
}

/** Invitations that the user got or made, for the export. */
export async function invitationsOf(sql: Database, userId: string): Promise<InvitationRecord[]> {
  const rows = await sql.select<InvitationRow>(
    `select ${fields} from group_invitation i where i.invitee_id = :userId or i.inviter_id = :userId order by i.invitation_id`,
    { userId },
  );
  return rows.map(recordOf);
}
