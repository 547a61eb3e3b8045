import type { Group, JoinMode, MentionAllBy } from "../../contracts/entities.ts";
import type { GroupChange } from "../../contracts/events.ts";
import { invalidField } from "../../lib/validation.ts";
import { assertMay, changeAsMember, type AtGroup, type ChangeDraft, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import type { Deed } from "./permissions.ts";
import { updateGroup, type GroupFields } from "./repository/groups.ts";
import { groupFor } from "./repository/rows.ts";

/** What may be edited; a field that is not given stays as it is. */
export interface GroupEdit {
  readonly name?: string;
  readonly avatar?: string;
  readonly announcement?: string;
  readonly maxMembers?: number;
  readonly joinMode?: JoinMode;
  readonly historyVisible?: boolean;
  readonly memberInvite?: boolean;
  readonly mentionAllBy?: MentionAllBy;
}

/** Fields with an event of their own; the others share "group.settings.changed". */
const eventOf: Partial<Record<keyof GroupFields, GroupChange["event"]>> = {
  name: "group.renamed",
  avatar: "group.avatar.changed",
  announcement: "group.announcement.changed",
};

/** Owner and admins. What is as it was before is not told. @throws ROLE_FORBIDS, VALIDATION when there are more members than `maxMembers` */
export async function editGroup(deps: GroupDeps, who: Who, edit: GroupEdit): Promise<Group> {
  return change(deps, who, "edit", edit, (at, changed) => {
    if (changed.maxMembers !== undefined && changed.maxMembers < at.group.memberCount) {
      throw invalidField("maxMembers", `must not be less than the ${at.group.memberCount} members`);
    }
    return draftsOf(changed);
  });
}

/** While all are muted only owner and admins can send. @throws ROLE_FORBIDS */
export async function muteAll(deps: GroupDeps, who: Who, all: boolean): Promise<Group> {
  return change(deps, who, "muteAll", { allMuted: all }, () => [{ event: all ? "group.muted" : "group.unmuted" }]);
}

async function change(
  deps: GroupDeps,
  who: Who,
  deed: Deed,
  wanted: GroupFields,
  drafts: (at: AtGroup, changed: GroupFields) => ChangeDraft[],
): Promise<Group> {
  return changeAsMember(deps, who, async (at) => {
    assertMay(at.me.role, deed);
    const changed = Object.fromEntries(
      Object.entries(wanted).filter(([name, value]) => value !== undefined && value !== at.group[name as keyof GroupFields]),
    ) as GroupFields;
    if (Object.keys(changed).length === 0) return { result: groupFor(at.group, at.me.role), changes: [] };
    const changes = drafts(at, changed);
    await updateGroup(deps.sql, who.groupId, changed, at.tx);
    return { result: groupFor({ ...at.group, ...changed, version: at.version }, at.me.role), changes };
  });
}

function draftsOf(changed: GroupFields): ChangeDraft[] {
  const entries = Object.entries(changed);
  const isSetting = ([name]: [string, unknown]): boolean => eventOf[name as keyof GroupFields] === undefined;
  const settings = entries.filter(isSetting);
  const drafts = entries
    .filter((entry) => !isSetting(entry))
    .map(([name, value]): ChangeDraft => ({ event: eventOf[name as keyof GroupFields]!, data: { [name]: value } }));
  return settings.length === 0 ? drafts : [...drafts, { event: "group.settings.changed", data: Object.fromEntries(settings) }];
}
