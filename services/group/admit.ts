import { imError } from "../../lib/errors.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { GroupDeps } from "./deps.ts";
import { closeWaiting } from "./repository/invitations.ts";
import { addMembers, membersOf } from "./repository/members.ts";

/**
 * Makes people members; those who are already are left as they are. Invitations and requests of theirs are done with it.
 * @returns who is new
 * @throws GROUP_FULL when there is not room for all
 */
export async function admit(
  deps: Pick<GroupDeps, "sql" | "now">,
  at: { tx: Tx; version: number; groupId: string },
  userIds: readonly string[],
): Promise<string[]> {
  const { tx, version, groupId } = at;
  if (userIds.length === 0) return [];
  const members = new Set((await membersOf(deps.sql, groupId, userIds, tx)).map(({ userId }) => userId));
  const newcomers = userIds.filter((userId) => !members.has(userId));
  if (newcomers.length === 0) return [];
  const now = deps.now();
  if (!(await addMembers(deps.sql, { groupId, userIds: newcomers, now, version }, tx))) throw imError("GROUP_FULL");
  await closeWaiting(deps.sql, { groupId, userIds: newcomers, now }, tx);
  return newcomers;
}
