import type { Invitation } from "../../contracts/entities.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { call } from "../../lib/service.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { admit } from "./admit.ts";
import { changeGroups, liveGroup, type ChangeDraft } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { stillMayInvite } from "./invite-members.ts";
import { findGroup, findGroups } from "./repository/groups.ts";
import { answerInvitation, findInvitation, waitingInvitations, type InvitationRecord } from "./repository/invitations.ts";
import { cardOf, type GroupRecord } from "./repository/rows.ts";

/** Those that wait for the user's answer, newest first. */
export async function listInvitations(
  deps: Pick<GroupDeps, "sql" | "calls" | "now">,
  { userId, limit = DEFAULT_PAGE, cursor }: { userId: string; limit?: number; cursor?: string },
): Promise<{ items: Invitation[]; nextCursor: string | null }> {
  const found = await waitingInvitations(deps.sql, userId, { before: idCursor(cursor), now: deps.now(), limit: limit + 1 });
  const { rows, nextCursor } = toPage(found, limit, ({ invitationId }) => invitationId);
  return {
    items: await viewInvitations(
      deps,
      rows,
      await findGroups(
        deps.sql,
        rows.map(({ groupId }) => groupId),
      ),
    ),
    nextCursor,
  };
}

/**
 * Accepting makes a member. An invitation that is answered, whose time is over or whose inviter may not invite any more is
 * INVITATION_HANDLED.
 * @throws INVITATION_NOT_FOUND for anybody but the invitee, GROUP_NOT_FOUND when the group was dissolved meanwhile, GROUP_FULL
 */
export async function handleInvitation(
  deps: GroupDeps,
  { userId, invitationId, action }: { userId: string; invitationId: string; action: "accept" | "reject" },
): Promise<Invitation> {
  const accepted = action === "accept";
  const { invitation, group } = await changeGroups(deps, async (tx, version) => {
    const invitation = await openInvitation(deps, tx, { userId, invitationId });
    const changes = accepted ? await accept(deps, { tx, version }, invitation) : [];
    await answerInvitation(deps.sql, invitationId, accepted ? "accepted" : "rejected", deps.now(), tx);
    const { groupId, inviterId, inviteeId } = invitation;
    const payload = { invitationId, groupId, inviterId, inviteeId, accepted };
    await deps.outbox.add(tx, { subject: "im.group.invitation.handled", key: invitationId, payload, requestId: deps.requestId });
    return { groupId, actorId: userId, changes, result: { invitation, group: await findGroup(deps.sql, groupId, tx) } };
  });
  const [view] = await viewInvitations(
    deps,
    [{ ...invitation, status: accepted ? "accepted" : "rejected" }],
    new Map([[invitation.groupId, group!]]),
  );
  if (!view) throw imError("INVITATION_NOT_FOUND");
  return view;
}

async function openInvitation(
  deps: Pick<GroupDeps, "sql" | "now">,
  tx: Tx,
  { userId, invitationId }: { userId: string; invitationId: string },
): Promise<InvitationRecord> {
  const invitation = await findInvitation(deps.sql, invitationId, tx);
  if (!invitation || invitation.inviteeId !== userId) throw imError("INVITATION_NOT_FOUND");
  const group = await liveGroup(deps.sql, invitation.groupId, tx);
  const isOpen = invitation.status === "pending" && invitation.expiresAt > deps.now();
  if (!isOpen || !(await stillMayInvite(deps, group, invitation.inviterId, tx))) throw imError("INVITATION_HANDLED");
  return invitation;
}

async function accept(
  deps: Pick<GroupDeps, "sql" | "now">,
  at: { tx: Tx; version: number },
  { groupId, inviterId, inviteeId }: InvitationRecord,
): Promise<ChangeDraft[]> {
  const joined = await admit(deps, { ...at, groupId }, [inviteeId]);
  if (joined.length === 0) throw imError("ALREADY_MEMBER");
  return [{ event: "member.joined", userIds: joined, data: { inviterId } }];
}

async function viewInvitations(
  deps: Pick<GroupDeps, "calls" | "now">,
  invitations: readonly InvitationRecord[],
  groups: ReadonlyMap<string, GroupRecord>,
): Promise<Invitation[]> {
  if (invitations.length === 0) return [];
  const inviters = await call(deps.calls, "user.getMany", {
    userIds: [...new Set(invitations.map(({ inviterId }) => inviterId))],
  });
  const userOf = new Map(inviters.map((user) => [user.userId, user]));
  return invitations.flatMap(({ invitationId, groupId, inviterId, status, expiresAt }) => {
    const [group, inviter] = [groups.get(groupId), userOf.get(inviterId)];
    return group && inviter ? [{ invitationId, group: cardOf(group), inviter, status, expiresAt }] : [];
  });
}
