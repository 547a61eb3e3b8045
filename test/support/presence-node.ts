import type { ServiceSchema } from "moleculer";
import type { Presence } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import type { HotStoreVars } from "../../mixins/hot-store/index.ts";
import type { HotPresence } from "../../mixins/hot-store/port.ts";
import friend from "../../services/friend/friend.service.ts";
import presence from "../../services/presence/presence.service.ts";
import { standIn } from "./accounts.ts";
import { createNeighbours, type Neighbours } from "./neighbours.ts";
import { createNode, type TestNode } from "./node.ts";

/** The presence service on a node, and people who only have ids. */

export const ann = "9";
export const bob = "10";
export const cid = "11";
export const sessionOf = (userId: string): string => `${userId}00`;
export const hidden = (userId: string): Presence => ({ userId, online: false, lastSeenAt: null, devices: [] });

export interface World extends AsyncDisposable {
  readonly node: TestNode;
  readonly around: Neighbours;
  /** Subjects of the `presence.changed` hints. */
  readonly hints: { userId: string; online: boolean }[];
  pushes(userId: string): Presence[];
  connect(userId: string, connectionId: string, deviceId?: string): Promise<boolean>;
  disconnect(userId: string, connectionId: string): Promise<void>;
  /** What auth was told. */
  readonly seen: { sessionId: string; at: number }[];
  /** What auth has stored, and whom it was asked for. */
  readonly stored: Map<string, number>;
  readonly askedFor: string[][];
}

/**
 * A node with the real presence service between stand-ins.
 *
 * @param offlineDelayMs long, unless the test is about leaving
 * @param sweepEveryMs long, unless the test is about leaving without a word
 * @param toldEveryMs how long those who come and go are gathered
 */
export async function presenceNode(offlineDelayMs = 60_000, sweepEveryMs = 60_000, toldEveryMs = 0): Promise<World> {
  const around = createNeighbours();
  const hints: World["hints"] = [];
  const seen: World["seen"] = [];
  const stored: World["stored"] = new Map();
  const askedFor: World["askedFor"] = [];
  const auth = standIn("auth", {
    seen: ({ items }: Params<"auth.seen">) => void seen.push(...items),
    lastSeenOf: ({ userIds }: Params<"auth.lastSeenOf">) => {
      askedFor.push(userIds);
      return Object.fromEntries([...stored].filter(([userId]) => userIds.includes(userId)));
    },
  });
  const listener: ServiceSchema = {
    name: "listener",
    events: { "presence.changed": (ctx: { params: World["hints"][number] }) => void hints.push(ctx.params) },
  };
  const node = await createNode([
    friend,
    { ...presence, settings: { offlineDelayMs, sweepEveryMs, toldEveryMs } as ServiceSchema["settings"] },
    ...around.services,
    listener,
    auth,
  ]);
  return {
    node,
    around,
    hints,
    seen,
    stored,
    askedFor,
    pushes: (userId) =>
      around.deliveries
        .filter(({ room, event }) => room === `p:${userId}` && event === "presence:changed")
        .map(({ payload }) => payload as Presence),
    connect: async (userId, connectionId, deviceId = "phone") => {
      const { accepted } = await node.call("presence.connected", {
        connectionId,
        userId,
        sessionId: sessionOf(userId),
        deviceId,
        deviceType: "ios",
        gatewayNodeId: "gate",
      });
      return accepted;
    },
    disconnect: async (userId, connectionId) =>
      void (await node.call("presence.disconnected", { userId, sessionId: sessionOf(userId), connectionId })),
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

/** The part of the hot store that a node's presence service works with. */
export const hotPresenceOf = ({ broker }: TestNode): HotPresence =>
  (broker.getLocalService("presence") as unknown as HotStoreVars).hot.presence;

export const subscribe = async ({ node }: World, who: string, userIds: string[], connectionId?: string): Promise<Presence[]> =>
  (await node.as(who, "presence.subscribe", { userIds }, connectionId === undefined ? {} : { connectionId })).items;
