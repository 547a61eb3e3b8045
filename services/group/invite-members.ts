import { INVITATION_TTL_MS } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { admit } from "./admit.ts";
import { changeAsMember, groupOfMember, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { mayInvite } from "./permissions.ts";
import { expireInvitations, insertInvitations, invitedAmong } from "./repository/invitations.ts";
import { findMember, membersOf } from "./repository/members.ts";
import type { GroupRecord, MemberRecord } from "./repository/rows.ts";

/** Who can be brought into a group: at once, since their white list holds the inviter, or by an invitation. */
export interface Invitees {
  readonly atOnce: readonly string[];
  readonly byInvitation: readonly string[];
}

/** Friends of the inviter and people whose white list holds the inviter; everybody else is left out silently. */
export async function selectInvitees(
  deps: Pick<GroupDeps, "calls">,
  inviterId: string,
  userIds: readonly string[],
): Promise<Invitees> {
  const others = userIds.filter((userId) => userId !== inviterId);
  if (others.length === 0) return { atOnce: [], byInvitation: [] };
  const [{ invitable, joinAtOnce }, activeIds] = await Promise.all([
    call(deps.calls, "friend.invitable", { inviterId, userIds: others }),
    call(deps.calls, "user.activeAmong", { userIds: others }),
  ]);
  const active = new Set(activeIds);
  const atOnce = new Set(joinAtOnce.filter((userId) => active.has(userId)));
  return { atOnce: [...atOnce], byInvitation: invitable.filter((userId) => active.has(userId) && !atOnce.has(userId)) };
}

/**
 * Invites people who are no members. One whose invitation waits already stays invited by that one.
 * @returns all whose invitation waits now
 */
export async function sendInvitations(
  deps: Pick<GroupDeps, "sql" | "ids" | "outbox" | "now" | "requestId">,
  { tx, groupId, inviterId }: { tx: Tx; groupId: string; inviterId: string },
  userIds: readonly string[],
): Promise<string[]> {
  if (userIds.length === 0) return [];
  const now = deps.now();
  const waiting = await invitedAmong(deps.sql, groupId, userIds, now, tx);
  const uninvited = userIds.filter((userId) => !waiting.has(userId));
  await expireInvitations(deps.sql, { groupId, userIds: uninvited, now }, tx);
  const invitations = uninvited.map((inviteeId) => ({
    invitationId: deps.ids.next(),
    groupId,
    inviterId,
    inviteeId,
    createdAt: now,
    expiresAt: now + INVITATION_TTL_MS,
  }));
  await insertInvitations(deps.sql, invitations, tx);
  for (const { invitationId, inviteeId } of invitations) {
    const payload = { invitationId, groupId, inviterId, inviteeId };
    await deps.outbox.add(tx, { subject: "im.group.invitation.sent", key: invitationId, payload, requestId: deps.requestId });
  }
  return [...userIds];
}

/** @throws ROLE_FORBIDS, GROUP_FULL, QUOTA_EXCEEDED */
export async function inviteMembers(
  deps: GroupDeps,
  { groupId, userId, userIds }: Who & { userIds: readonly string[] },
): Promise<{ joined: string[]; invited: string[] }> {
  const { group, me } = await groupOfMember(deps.sql, { groupId, userId });
  assertMayInvite(group, me);
  const invitees = await withoutMembers(deps, groupId, await selectInvitees(deps, userId, userIds));
  if (invitees.atOnce.length + invitees.byInvitation.length === 0) return { joined: [], invited: [] };
  const waiting = await invitedAmong(deps.sql, groupId, invitees.byInvitation, deps.now());
  await deps.quota.spend("invitations", userId, invitees.byInvitation.length - waiting.size);
  return changeAsMember(deps, { groupId, userId }, async (at) => {
    assertMayInvite(at.group, at.me);
    if (at.group.memberCount >= at.group.maxMembers) throw imError("GROUP_FULL");
    const joined = await admit(deps, { ...at, groupId }, invitees.atOnce);
    const strangers = await withoutMembers(deps, groupId, { atOnce: [], byInvitation: invitees.byInvitation }, at.tx);
    const invited = await sendInvitations(deps, { tx: at.tx, groupId, inviterId: userId }, strangers.byInvitation);
    return {
      result: { joined, invited },
      changes: joined.length > 0 ? [{ event: "member.joined", userIds: joined, data: { inviterId: userId } }] : [],
    };
  });
}

/** @throws ROLE_FORBIDS */
export function assertMayInvite({ memberInvite }: GroupRecord, { role }: MemberRecord): void {
  if (!mayInvite(role, memberInvite)) throw imError("ROLE_FORBIDS");
}

/** Whether somebody is a member who may invite: what they sent out before lets nobody in otherwise. */
export async function stillMayInvite(
  deps: Pick<GroupDeps, "sql">,
  { groupId, memberInvite }: GroupRecord,
  inviterId: string,
  tx: Tx,
): Promise<boolean> {
  const inviter = await findMember(deps.sql, groupId, inviterId, tx);
  return inviter !== null && mayInvite(inviter.role, memberInvite);
}

async function withoutMembers(
  deps: Pick<GroupDeps, "sql">,
  groupId: string,
  { atOnce, byInvitation }: Invitees,
  tx?: Tx,
): Promise<Invitees> {
  const members = new Set((await membersOf(deps.sql, groupId, [...atOnce, ...byInvitation], tx)).map((member) => member.userId));
  const isNone = (userId: string): boolean => !members.has(userId);
  return { atOnce: atOnce.filter(isNone), byInvitation: byInvitation.filter(isNone) };
}
