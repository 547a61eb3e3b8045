import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";

const ID = /^[1-9]\d{0,18}$/;
const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;

export interface FoundUser {
  readonly userId: string;
  readonly username: string;
}

/** The user of an id or a name; an id goes first, since anyone may choose a name of digits. @throws an error of one line */
export async function findUser(broker: ServiceBroker, given: string): Promise<FoundUser> {
  const found = (ID.test(given) && (await byId(broker, given))) || (await byName(broker, given));
  if (!found) throw new Error(`There is no user "${given}".`);
  return found;
}

async function byId(broker: ServiceBroker, userId: string): Promise<FoundUser | null> {
  const [user] = await call(broker, "user.getMany", { userIds: [userId] });
  return user ? { userId, username: user.username } : null;
}

async function byName(broker: ServiceBroker, username: string): Promise<FoundUser | null> {
  const userId = USERNAME.test(username) ? await call(broker, "user.idOf", { username }) : null;
  return userId === null ? null : byId(broker, userId);
}
