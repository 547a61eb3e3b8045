import type { GroupChange } from "../../contracts/events.ts";
import type { Role } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { within } from "../../lib/within.ts";
import type { Database, Tx } from "../../mixins/database/port.ts";
import { announceChange, type Announcement } from "./announce-change.ts";
import { isJoiningOrLeaving, isNoise } from "./announce-quietly.ts";
import type { GroupDeps } from "./deps.ts";
import { mayDo, type Deed } from "./permissions.ts";
import { findGroup, nextVersion, updateGroup } from "./repository/groups.ts";
import { findMember } from "./repository/members.ts";
import type { GroupRecord, MemberRecord } from "./repository/rows.ts";

/**
 * Whoever made a change waits this long for its announcement, which may stand behind hundreds of others of its group. The change
 * holds already.
 */
const ANNOUNCED_WITHIN_MS = 2_500;

/** A user at a group. */
export interface Who {
  readonly groupId: string;
  readonly userId: string;
}

/** A change as a use case says it; `data` defaults to nothing, `userIds` to nobody. */
export type ChangeDraft = Pick<GroupChange, "event"> & Partial<Omit<GroupChange, "actorId">> & { actorId?: string };

export interface Outcome<T> {
  readonly result: T;
  readonly groupId: string;
  readonly actorId: string;
  /** What members are told, in this order. Without any the group keeps its version. */
  readonly changes: readonly ChangeDraft[];
}

/**
 * Runs `work` in a transaction with the number of this change, writes its changes to the outbox there, and announces them
 * after the commit. A failed announcement does not fail the change: the durable event repairs it.
 */
export async function changeGroups<T>(deps: GroupDeps, work: (tx: Tx, version: number) => Promise<Outcome<T>>): Promise<T> {
  const { result, announcements } = await deps.sql.transaction(async (tx) => {
    const version = await nextVersion(deps.sql, tx);
    const outcome = await work(tx, version);
    return { result: outcome.result, announcements: await recordChanges(deps, tx, version, outcome) };
  });
  for (const announcement of announcements) await announceNow(deps, announcement);
  return result;
}

/** What a member finds when they change a group. */
export interface AtGroup {
  readonly tx: Tx;
  readonly version: number;
  readonly group: GroupRecord;
  readonly me: MemberRecord;
}

/** `changeGroups` by a member of the group. @throws GROUP_NOT_FOUND for outsiders */
export async function changeAsMember<T>(
  deps: GroupDeps,
  who: Who,
  work: (at: AtGroup) => Promise<Pick<Outcome<T>, "result" | "changes">>,
): Promise<T> {
  return changeGroups(deps, async (tx, version) => {
    const { group, me } = await groupOfMember(deps.sql, who, tx);
    return { groupId: who.groupId, actorId: who.userId, ...(await work({ tx, version, group, me })) };
  });
}

/** @throws GROUP_NOT_FOUND for outsiders, and when the group is dissolved or never was */
export async function groupOfMember(
  sql: Database,
  { groupId, userId }: Who,
  tx?: Tx,
): Promise<{ group: GroupRecord; me: MemberRecord }> {
  const group = await liveGroup(sql, groupId, tx);
  const me = await findMember(sql, groupId, userId, tx);
  if (!me) throw imError("GROUP_NOT_FOUND");
  return { group, me };
}

/** @throws GROUP_NOT_FOUND when the group is dissolved or never was */
export async function liveGroup(sql: Database, groupId: string, tx?: Tx): Promise<GroupRecord> {
  const group = await findGroup(sql, groupId, tx);
  if (!group || group.dissolvedAt !== null) throw imError("GROUP_NOT_FOUND");
  return group;
}

/** @throws NOT_A_MEMBER */
export async function requireMember(sql: Database, { groupId, userId }: Who, tx: Tx): Promise<MemberRecord> {
  const member = await findMember(sql, groupId, userId, tx);
  if (!member) throw imError("NOT_A_MEMBER");
  return member;
}

/** @throws ROLE_FORBIDS */
export function assertMay(role: Role, deed: Deed, targetRole?: Role): void {
  if (!mayDo(role, deed, targetRole)) throw imError("ROLE_FORBIDS");
}

async function recordChanges<T>(
  deps: GroupDeps,
  tx: Tx,
  version: number,
  { groupId, actorId, changes }: Outcome<T>,
): Promise<Announcement[]> {
  if (changes.length > 0) await updateGroup(deps.sql, groupId, { version }, tx);
  const announcements: Announcement[] = [];
  // As it stands behind this change: whoever announces it again must come to the same.
  const memberCount = changes.some(isJoiningOrLeaving) ? (await findGroup(deps.sql, groupId, tx))!.memberCount : 0;
  for (const draft of changes) {
    const drafted: GroupChange = { actorId, userIds: [], ...draft, data: { ...draft.data, version: String(version) } };
    const change: GroupChange = isNoise(drafted, memberCount) ? { ...drafted, quiet: true } : drafted;
    const eventId = await deps.outbox.add(tx, {
      subject: subjectOf(change),
      key: groupId,
      payload: { groupId, change },
      requestId: deps.requestId,
    });
    announcements.push({ eventId, groupId, change });
  }
  return announcements;
}

/** All carry the same payload and, having one key, keep their order. */
function subjectOf({ event }: GroupChange): "im.group.changed" | "im.group.member.joined" | "im.group.member.left" {
  if (event === "member.joined") return "im.group.member.joined";
  return event === "member.left" || event === "member.removed" ? "im.group.member.left" : "im.group.changed";
}

async function announceNow(deps: GroupDeps, announcement: Announcement): Promise<void> {
  const announced = announceChange(deps, announcement).catch((error: unknown) =>
    deps.logger.warn(`Group ${announcement.groupId}: "${announcement.change.event}" is announced later:`, error),
  );
  await within(ANNOUNCED_WITHIN_MS, announced);
}
