import type { ServiceSchema } from "moleculer";
import type { Notification } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import friend from "../../services/friend/friend.service.ts";
import notification from "../../services/notification/notification.service.ts";
import { createNeighbours, type Neighbours } from "./neighbours.ts";
import { createNode, type TestNode } from "./node.ts";
import { waitFor } from "./wait.ts";

/** The notification service on a node, with a group and people who only have ids. */

export const ann = "9";
export const bob = "10";
export const cid = "11";
export const groupId = "500";
export const hikers = { groupId, name: "Hikers" };

export interface World extends AsyncDisposable {
  readonly node: TestNode;
  readonly around: Neighbours;
  notify(userIds: string[], eventId?: string): Promise<void>;
  /** Waits for a user's notifications and gives them, newest first. */
  received(userId: string, count: number): Promise<Notification[]>;
}

/** Ann alone is seen as a member of the group by her; those who are told of what concerns all are ann, bob and cid. */
const group: ServiceSchema = {
  name: "group",
  actions: {
    getMany: (ctx: { params: Params<"group.getMany"> }) =>
      ctx.params.userId === ann ? ctx.params.groupIds.map((id) => ({ ...hikers, groupId: id })) : [],
    memberStates: () => ({
      allMuted: false,
      dissolved: false,
      members: [ann, bob, cid].map((userId) => ({ userId, role: "member", mutedUntil: null })),
    }),
  },
};

/** A node with the real services of notifications and friends between stand-ins. */
export async function notificationNode(without: string[] = []): Promise<World> {
  const around = createNeighbours({ without });
  const node = await createNode([friend, notification, group, ...around.services]);
  let events = 0;
  const listOf = async (userId: string): Promise<Notification[]> =>
    (await node.as(userId, "notification.list", { limit: 100 })).items;
  return {
    node,
    around,
    notify: async (userIds, eventId = `event-${++events}`) => {
      await node.call("notification.notify", { eventId, userIds, type: "system.notice", data: { text: eventId } });
    },
    received: (userId, count) =>
      waitFor(async () => {
        const items = await listOf(userId);
        return items.length >= count ? items : null;
      }, `${count} notifications of user ${userId}`),
    [Symbol.asyncDispose]: () => node.stop(),
  };
}
