import type { User } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { chunksOf } from "../../lib/page.ts";
import { call, type Calls } from "../../lib/service.ts";

const MAX_USERS_IN_CALL = 5_000;

/** Profiles by id; ids that nobody has are missing. */
export async function usersById(calls: Calls, userIds: readonly string[]): Promise<ReadonlyMap<string, User>> {
  const users = new Map<string, User>();
  for (const chunk of chunksOf([...new Set(userIds)], MAX_USERS_IN_CALL)) {
    for (const user of await call(calls, "user.getMany", { userIds: chunk })) users.set(user.userId, user);
  }
  return users;
}

/** Whether someone exists and is neither deleted nor disabled. */
export async function isActive(calls: Calls, userId: string): Promise<boolean> {
  return (await call(calls, "user.activeAmong", { userIds: [userId] })).length > 0;
}

/** @throws CANNOT_ADD_SELF, USER_NOT_FOUND */
export async function checkOther(calls: Calls, userId: string, peerId: string): Promise<void> {
  if (userId === peerId) throw imError("CANNOT_ADD_SELF");
  if (!(await isActive(calls, peerId))) throw imError("USER_NOT_FOUND");
}
