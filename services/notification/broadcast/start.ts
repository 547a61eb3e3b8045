import type { Params } from "../../../contracts/index.ts";
import type { Broadcast } from "../../../contracts/services/notification.ts";
import { imError } from "../../../lib/errors.ts";
import { call, type Calls } from "../../../lib/service.ts";
import { invalidField } from "../../../lib/validation.ts";
import type { NotificationDeps } from "../deps.ts";
import { insertBroadcast } from "./repository.ts";

/** Of the data as JSON, in characters. */
const MAX_DATA_LENGTH = 4_096;

/**
 * Notes a broadcast, which is sent in the background. Who is chosen by id or by a group is settled here, all others while it runs.
 * @returns its id
 * @throws VALIDATION for data that is too large, GROUP_NOT_FOUND
 */
export async function startBroadcast(
  deps: NotificationDeps,
  { text, data = {}, filter = {} }: Params<"notification.broadcast">,
): Promise<string> {
  const { sql, ids, calls } = deps;
  if (JSON.stringify(data).length > MAX_DATA_LENGTH)
    throw invalidField("data", `must not be longer than ${MAX_DATA_LENGTH} characters of JSON`);
  const createdAt = deps.now();
  const recipients = await recipientsOf(calls, filter);
  const total = recipients?.length ?? (await call(calls, "user.count", registeredWithin(filter, createdAt)));
  const broadcastId = ids.next();
  await insertBroadcast(sql, { broadcastId, text, data, filter, recipients, total, createdAt });
  return broadcastId;
}

/** When those registered whom a broadcast of this filter and age is for: before it began. */
export function registeredWithin({ createdAfter, createdBefore = Infinity }: Broadcast["filter"], createdAt: number) {
  return { ...(createdAfter !== undefined && { createdAfter }), createdBefore: Math.min(createdBefore, createdAt + 1) };
}

/** Those whom the filter names, ascending; null when it names nobody in particular. */
async function recipientsOf(calls: Calls, { userIds, groupId }: Broadcast["filter"]): Promise<string[] | null> {
  const members = groupId === undefined ? null : await membersOf(calls, groupId);
  const named = userIds ?? members;
  if (!named) return null;
  const isMember = members && new Set(members);
  return [...new Set(named)].filter((userId) => !isMember || isMember.has(userId)).sort(byNumber);
}

async function membersOf(calls: Calls, groupId: string): Promise<string[]> {
  const group = await call(calls, "group.memberStates", { groupId });
  if (!group || group.dissolved) throw imError("GROUP_NOT_FOUND");
  return group.members.map(({ userId }) => userId);
}

const byNumber = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);
