import type { Group, JoinMode, MentionAllBy } from "../../contracts/entities.ts";
import { DEFAULT_GROUP_MEMBERS } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/port.ts";
import { changeGroups } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { selectInvitees, sendInvitations } from "./invite-members.ts";
import { insertGroup } from "./repository/groups.ts";
import { insertMembers } from "./repository/members.ts";
import { groupFor, type GroupRecord } from "./repository/rows.ts";

export interface NewGroup {
  readonly userId: string;
  readonly name: string;
  readonly memberIds?: readonly string[];
  readonly avatar?: string;
  readonly maxMembers?: number;
  readonly joinMode?: JoinMode;
  readonly historyVisible?: boolean;
  readonly memberInvite?: boolean;
  readonly mentionAllBy?: MentionAllBy;
}

/** The creator becomes the owner; the first system message (seq 1) names the creator and those who joined at once. */
export async function createGroup(
  deps: GroupDeps,
  input: NewGroup,
): Promise<{ group: Group; joined: string[]; invited: string[] }> {
  const { userId } = input;
  const { atOnce, byInvitation } = await selectInvitees(deps, userId, input.memberIds ?? []);
  await deps.quota.spend("groupsCreated", userId, 1);
  await deps.quota.spend("invitations", userId, byInvitation.length);
  const groupId = deps.ids.next();
  return changeGroups(deps, async (tx, version) => {
    const group = recordOf(input, { groupId, version, memberCount: 1 + atOnce.length, now: deps.now() });
    if (group.memberCount > group.maxMembers) throw imError("GROUP_FULL");
    await insertWithMembers(deps, tx, group, atOnce);
    const payload = { groupId, actorId: userId, memberIds: [...atOnce] };
    await deps.outbox.add(tx, { subject: "im.group.created", key: groupId, payload, requestId: deps.requestId });
    const invited = await sendInvitations(deps, { tx, groupId, inviterId: userId }, byInvitation);
    return {
      groupId,
      actorId: userId,
      result: { group: groupFor(group, "owner"), joined: [...atOnce], invited },
      changes: [{ event: "group.created", userIds: [userId, ...atOnce], data: { name: group.name } }],
    };
  });
}

async function insertWithMembers(
  deps: Pick<GroupDeps, "sql">,
  tx: Tx,
  group: GroupRecord,
  memberIds: readonly string[],
): Promise<void> {
  const at = { groupId: group.groupId, now: group.createdAt, version: group.version };
  await insertGroup(deps.sql, group, tx);
  await insertMembers(deps.sql, { ...at, userIds: [group.ownerId] }, "owner", tx);
  await insertMembers(deps.sql, { ...at, userIds: memberIds }, "member", tx);
}

function recordOf(input: NewGroup, made: { groupId: string; version: number; memberCount: number; now: number }): GroupRecord {
  return {
    groupId: made.groupId,
    name: input.name,
    avatar: input.avatar ?? "",
    announcement: "",
    ownerId: input.userId,
    memberCount: made.memberCount,
    maxMembers: input.maxMembers ?? DEFAULT_GROUP_MEMBERS,
    joinMode: input.joinMode ?? "invite",
    historyVisible: input.historyVisible ?? false,
    memberInvite: input.memberInvite ?? true,
    mentionAllBy: input.mentionAllBy ?? null,
    allMuted: false,
    dissolvedAt: null,
    version: made.version,
    createdAt: made.now,
  };
}
