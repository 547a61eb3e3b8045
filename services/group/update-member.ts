import type { Group, Member } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import { pushUpdated } from "./announce-change.ts";
import { assertMay, changeAsMember, requireMember, type AtGroup, type ChangeDraft, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { viewMembers } from "./list-members.ts";
import { updateGroup } from "./repository/groups.ts";
import { updateMember, type MemberFields } from "./repository/members.ts";
import { groupFor, type MemberRecord } from "./repository/rows.ts";

/** What to change of a member; `mutedUntil` null, or a time that is past, lifts a mute. */
export interface MemberEdit {
  readonly role?: "admin" | "member";
  readonly nickname?: string;
  readonly mutedUntil?: number | null;
}

interface Edited {
  readonly member: MemberRecord;
  /** A new nickname is no system message; members learn by this version that something changed. */
  readonly silentVersion: string | null;
}

/** All of the edit or nothing. @throws VALIDATION for an edit of nothing, NOT_A_MEMBER, ROLE_FORBIDS */
export async function editMember(deps: GroupDeps, who: Who, memberId: string, edit: MemberEdit): Promise<Member> {
  if (Object.values(edit).every((value) => value === undefined))
    throw invalidField("", "must have one of role, nickname, mutedUntil");
  const { member, silentVersion } = await changeAsMember<Edited>(deps, who, async (at) => {
    const target = await requireMember(deps.sql, { groupId: who.groupId, userId: memberId }, at.tx);
    assertMayEdit(at, target, edit);
    return applyEdit(deps, at, target, edit);
  });
  if (silentVersion !== null) await pushUpdated(deps, who.groupId, silentVersion);
  const [view] = await viewMembers(deps, [member]);
  if (!view) throw imError("NOT_A_MEMBER");
  return view;
}

function assertMayEdit({ me }: AtGroup, target: MemberRecord, edit: MemberEdit): void {
  if (edit.role !== undefined) assertMay(me.role, "setRole", target.role);
  if (edit.mutedUntil !== undefined) assertMay(me.role, "mute", target.role);
  if (edit.nickname !== undefined && target.userId !== me.userId) throw imError("ROLE_FORBIDS");
}

async function applyEdit(
  deps: GroupDeps,
  { tx, group, version }: AtGroup,
  target: MemberRecord,
  edit: MemberEdit,
): Promise<{ result: Edited; changes: ChangeDraft[] }> {
  const fields = changedFields(target, edit, deps.now());
  const changes = draftsOf(target.userId, fields);
  if (Object.keys(fields).length > 0) await updateMember(deps.sql, { groupId: group.groupId, userId: target.userId }, fields, tx);
  const isSilent = fields.nickname !== undefined && changes.length === 0;
  if (isSilent) await updateGroup(deps.sql, group.groupId, { version }, tx);
  return { result: { member: { ...target, ...fields }, silentVersion: isSilent ? String(version) : null }, changes };
}

/** Only what differs from how it stands. */
function changedFields(target: MemberRecord, { role, nickname, mutedUntil }: MemberEdit, now: number): MemberFields {
  const still = (until: number | null): number | null => (until !== null && until > now ? until : null);
  return {
    ...(role !== undefined && role !== target.role && { role }),
    ...(nickname !== undefined && nickname !== target.nickname && { nickname }),
    ...(mutedUntil !== undefined && still(mutedUntil) !== still(target.mutedUntil) && { mutedUntil: still(mutedUntil) }),
  };
}

function draftsOf(userId: string, { role, mutedUntil }: MemberFields): ChangeDraft[] {
  const drafts: ChangeDraft[] = [];
  if (role !== undefined) drafts.push({ event: "member.role.changed", userIds: [userId], data: { role } });
  if (mutedUntil === null) drafts.push({ event: "member.unmuted", userIds: [userId] });
  else if (mutedUntil !== undefined) drafts.push({ event: "member.muted", userIds: [userId], data: { mutedUntil } });
  return drafts;
}

/** Another member becomes the owner, free of any mute, and the owner an admin. @throws NOT_A_MEMBER, ROLE_FORBIDS */
export async function transferGroup(deps: GroupDeps, who: Who, newOwnerId: string): Promise<Group> {
  const isActive = (await call(deps.calls, "user.activeAmong", { userIds: [newOwnerId] })).length > 0;
  return changeAsMember(deps, who, async ({ tx, version, group, me }) => {
    const target = await requireMember(deps.sql, { groupId: who.groupId, userId: newOwnerId }, tx);
    if (target.userId === me.userId && me.role === "owner") return { result: groupFor(group, me.role), changes: [] };
    assertMay(me.role, "transfer", target.role);
    if (!isActive) throw imError("NOT_A_MEMBER");
    await updateMember(deps.sql, { groupId: who.groupId, userId: newOwnerId }, { role: "owner", mutedUntil: null }, tx);
    await updateMember(deps.sql, who, { role: "admin" }, tx);
    await updateGroup(deps.sql, who.groupId, { ownerId: newOwnerId }, tx);
    const changes: ChangeDraft[] = [
      { event: "group.owner.changed", userIds: [newOwnerId], data: { previousOwnerId: who.userId } },
    ];
    return { result: groupFor({ ...group, ownerId: newOwnerId, version }, "admin"), changes };
  });
}
