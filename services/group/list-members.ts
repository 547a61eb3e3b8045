import type { Member } from "../../contracts/entities.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { toPage } from "../../lib/page.ts";
import { call } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import { groupOfMember, type Who } from "./change-group.ts";
import type { GroupDeps } from "./deps.ts";
import { membersPage } from "./repository/members.ts";
import { roleNumber, type MemberRecord } from "./repository/rows.ts";

/** Owner and admins first, each role by user id. @throws GROUP_NOT_FOUND for outsiders */
export async function listMembers(
  deps: Pick<GroupDeps, "sql" | "calls" | "now">,
  who: Who,
  { limit = DEFAULT_PAGE, cursor }: { limit?: number; cursor?: string },
): Promise<{ items: Member[]; nextCursor: string | null }> {
  const after = positionOf(cursor);
  await groupOfMember(deps.sql, who);
  const { rows, nextCursor } = toPage(
    await membersPage(deps.sql, who.groupId, after, limit + 1),
    limit,
    (member) => `${roleNumber(member.role)}.${member.userId}`,
  );
  return { items: await viewMembers(deps, rows), nextCursor };
}

/** As clients see them, with their profiles; mutes that are over are none. */
export async function viewMembers(deps: Pick<GroupDeps, "calls" | "now">, members: readonly MemberRecord[]): Promise<Member[]> {
  if (members.length === 0) return [];
  const users = await call(deps.calls, "user.getMany", { userIds: members.map(({ userId }) => userId) });
  const userOf = new Map(users.map((user) => [user.userId, user]));
  const now = deps.now();
  return members.flatMap((member) => {
    const user = userOf.get(member.userId);
    const mutedUntil = member.mutedUntil !== null && member.mutedUntil > now ? member.mutedUntil : null;
    return user ? [{ ...member, user, mutedUntil }] : [];
  });
}

function positionOf(cursor: string | undefined): { role: number; userId: string } | null {
  if (cursor === undefined) return null;
  const match = /^([012])\.([1-9]\d{0,18})$/.exec(cursor);
  if (!match) throw invalidField("cursor", "must be the nextCursor of the page before");
  return { role: Number(match[1]), userId: match[2]! };
}
