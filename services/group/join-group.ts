import { randomBytes } from "node:crypto";
import type { Group, InviteLink } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { admit } from "./admit.ts";
import { assertMayInvite, stillMayInvite } from "./invite-members.ts";
import { changeGroups, liveGroup, type AtGroup, type Outcome, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { findGroup } from "./repository/groups.ts";
import { insertInviteLink, insertJoinRequest, spendInviteLink } from "./repository/joining.ts";
import { findMember, holdMember, managerIds } from "./repository/members.ts";
import { groupFor } from "./repository/rows.ts";

export interface Joining extends Who {
  readonly message?: string;
  readonly inviteCode?: string;
}
export interface Joined {
  readonly joined: boolean;
  readonly requestId: string | null;
  readonly group: Group | null;
}
type At = Pick<AtGroup, "tx" | "version">;

/**
 * By a code that is good, its maker still being one who may invite, anybody joins at once; without one an open group is joined, one with approval gets a request, and a
 * group that invites does not exist for those outside.
 * @throws GROUP_NOT_FOUND, INVITE_CODE_INVALID (whether or not there is such a group), ALREADY_MEMBER, JOIN_PENDING, GROUP_FULL
 */
export async function joinGroup(deps: GroupDeps, joining: Joining): Promise<Joined> {
  await spendForRequest(deps, joining);
  return changeGroups(deps, async (tx, version) => {
    const { groupId, userId, inviteCode } = joining;
    if (await findMember(deps.sql, groupId, userId, tx)) throw imError("ALREADY_MEMBER");
    const creatorId = inviteCode === undefined ? null : await spendCode(deps, { inviteCode, groupId }, tx);
    const group = await liveGroup(deps.sql, groupId, tx);
    if (creatorId !== null && !(await stillMayInvite(deps, group, creatorId, tx))) throw imError("INVITE_CODE_INVALID");
    if (creatorId !== null || group.joinMode === "open") return joinNow(deps, { tx, version }, joining);
    if (group.joinMode === "approval") return requestToJoin(deps, { tx, version }, joining);
    throw imError("GROUP_NOT_FOUND");
  });
}

/** @returns who made the link */
async function spendCode(deps: GroupDeps, link: { inviteCode: string; groupId: string }, tx: Tx): Promise<string> {
  const creatorId = await spendInviteLink(deps.sql, { ...link, now: deps.now() }, tx);
  if (creatorId === null) throw imError("INVITE_CODE_INVALID");
  return creatorId;
}

/** The quota counts before the transaction, and only what will be a request. */
async function spendForRequest(deps: GroupDeps, { groupId, userId, inviteCode }: Joining): Promise<void> {
  if (inviteCode !== undefined) return;
  const group = await findGroup(deps.sql, groupId);
  if (group?.joinMode === "approval" && group.dissolvedAt === null) await deps.quota.spend("joinRequests", userId, 1);
}

async function joinNow(deps: GroupDeps, at: At, { groupId, userId }: Joining): Promise<Outcome<Joined>> {
  const joined = await admit(deps, { ...at, groupId }, [userId]);
  const group = await liveGroup(deps.sql, groupId, at.tx);
  return {
    groupId,
    actorId: userId,
    changes: [{ event: "member.joined", userIds: joined }],
    result: { joined: true, requestId: null, group: groupFor({ ...group, version: at.version }, "member") },
  };
}

async function requestToJoin(deps: GroupDeps, { tx }: At, { groupId, userId, message = "" }: Joining): Promise<Outcome<Joined>> {
  const requestId = deps.ids.next();
  const request = { requestId, groupId, userId, message, status: "pending", createdAt: deps.now(), handledAt: null } as const;
  if (!(await insertJoinRequest(deps.sql, request, tx))) throw imError("JOIN_PENDING");
  const payload = { requestId, groupId, userId, approverIds: await managerIds(deps.sql, groupId, tx) };
  await deps.outbox.add(tx, { subject: "im.group.join.requested", key: requestId, payload, requestId: deps.requestId });
  return { groupId, actorId: userId, changes: [], result: { joined: false, requestId, group: null } };
}

/** Whoever may invite may make a link. Without `expiresAt` or `maxUses` it has no end. @throws ROLE_FORBIDS */
export async function createInviteLink(
  deps: GroupDeps,
  who: Who,
  bounds: { expiresAt?: number; maxUses?: number },
): Promise<InviteLink> {
  const [expiresAt, maxUses] = [bounds.expiresAt ?? null, bounds.maxUses ?? null];
  const inviteCode = randomBytes(16).toString("base64url");
  await deps.sql.transaction(async (tx) => {
    const group = await liveGroup(deps.sql, who.groupId, tx);
    const me = await holdMember(deps.sql, who.groupId, who.userId, tx); // or a link could be made behind their removal
    if (!me) throw imError("GROUP_NOT_FOUND");
    assertMayInvite(group, me);
    await insertInviteLink(
      deps.sql,
      { inviteCode, groupId: who.groupId, creatorId: who.userId, expiresAt, maxUses, createdAt: deps.now() },
      tx,
    );
  });
  return { inviteCode, expiresAt, maxUses, uses: 0 };
}
