import { imError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/port.ts";
import {
  assertMay,
  changeAsMember,
  changeGroups,
  requireMember,
  type ChangeDraft,
  type Outcome,
  type Who,
} from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { mayDo } from "./permissions.ts";
import { findGroup, groupsOf, markDissolved, updateGroup } from "./repository/groups.ts";
import { cancelWaitingOf, forgetWordsOf, revokeInvitationsBy } from "./repository/invitations.ts";
import { endAllMemberships, endMembership, findMember, findSuccessor, membersOf, updateMember } from "./repository/members.ts";

/**
 * Takes a member out; oneself leaves. Whoever is removed loses the invitations and links they made, or they would be back by
 * their own link. @throws OWNER_MUST_TRANSFER, NOT_A_MEMBER, ROLE_FORBIDS
 */
export async function removeMember(deps: GroupDeps, who: Who, memberId: string): Promise<null> {
  return changeAsMember(deps, who, async ({ tx, version, me }) => {
    const isLeaving = memberId === who.userId;
    if (isLeaving && !mayDo(me.role, "leave")) throw imError("OWNER_MUST_TRANSFER");
    if (!isLeaving)
      assertMay(me.role, "kick", (await requireMember(deps.sql, { groupId: who.groupId, userId: memberId }, tx)).role);
    const now = deps.now();
    await endMembership(deps.sql, { groupId: who.groupId, userId: memberId, now, version }, tx);
    if (!isLeaving) await revokeInvitationsBy(deps.sql, who.groupId, memberId, now, tx);
    return { result: null, changes: [{ event: isLeaving ? "member.left" : "member.removed", userIds: [memberId] }] };
  });
}

/** Ends the group for everybody; what was said stays readable up to here. @throws ROLE_FORBIDS */
export async function dissolveGroup(deps: GroupDeps, who: Who): Promise<null> {
  return changeAsMember(deps, who, async ({ tx, version, me }) => {
    assertMay(me.role, "dissolve");
    return { result: null, changes: [await dissolve(deps, tx, { groupId: who.groupId, version })] };
  });
}

async function dissolve(
  deps: Pick<GroupDeps, "sql" | "now">,
  tx: Tx,
  { groupId, version }: { groupId: string; version: number },
): Promise<ChangeDraft> {
  const members = await membersOf(deps.sql, groupId, undefined, tx);
  const now = deps.now();
  await endAllMemberships(deps.sql, { groupId, now, version }, tx);
  await markDissolved(deps.sql, groupId, now, tx);
  // Nobody can ask for the name any more.
  const name = (await findGroup(deps.sql, groupId, tx))?.name;
  return { event: "group.dissolved", userIds: members.map(({ userId }) => userId), data: { name } };
}

/**
 * A user who is gone leaves every group. A group they still own goes to the first admin, else to its oldest member, else it
 * is dissolved. Idempotent.
 */
export async function leaveAllGroups(deps: GroupDeps, userId: string): Promise<void> {
  for (const { group } of await groupsOf(deps.sql, userId)) {
    await changeGroups(deps, (tx, version) => leaveForGood(deps, tx, { groupId: group.groupId, userId, version }));
  }
  await deps.sql.transaction(async (tx) => {
    await cancelWaitingOf(deps.sql, userId, deps.now(), tx);
    await forgetWordsOf(deps.sql, userId, tx);
  });
}

async function leaveForGood(
  deps: GroupDeps,
  tx: Tx,
  { groupId, userId, version }: Who & { version: number },
): Promise<Outcome<null>> {
  const outcome = (changes: ChangeDraft[]): Outcome<null> => ({ result: null, groupId, actorId: userId, changes });
  const [group, me] = [await findGroup(deps.sql, groupId, tx), await findMember(deps.sql, groupId, userId, tx)];
  if (!group || !me) return outcome([]);
  const changes: ChangeDraft[] = [];
  if (me.role === "owner") {
    const heir = await findSuccessor(deps.sql, groupId, userId, tx);
    if (!heir) return outcome([await dissolve(deps, tx, { groupId, version })]);
    await updateMember(deps.sql, { groupId, userId: heir.userId }, { role: "owner", mutedUntil: null }, tx);
    await updateMember(deps.sql, { groupId, userId }, { role: "member" }, tx);
    await updateGroup(deps.sql, groupId, { ownerId: heir.userId }, tx);
    changes.push({ event: "group.owner.changed", userIds: [heir.userId], data: { previousOwnerId: userId } });
  }
  await endMembership(deps.sql, { groupId, userId, now: deps.now(), version }, tx);
  return outcome([...changes, { event: "member.left", userIds: [userId] }]);
}
