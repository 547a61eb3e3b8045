import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Presence } from "../entities.ts";
import { Closed, DeviceId, DeviceType, Id, Nothing, UserIds } from "../primitives.ts";

const Items = Closed({ items: Type.Array(Presence) });

export const presenceContract = {
  subscribe: {
    summary: "Hear when these people come and go; friends only, within their privacy",
    params: Closed({ userIds: UserIds }),
    result: Items,
    idempotent: true,
  },
  unsubscribe: { summary: "Hear no more of these people", params: Closed({ userIds: UserIds }), result: Items, idempotent: true },
  /** Internal. `accepted: false` when the user has as many connections as allowed. */
  connected: {
    summary: "A connection opened",
    params: Closed({
      connectionId: Type.String(),
      userId: Id,
      sessionId: Id,
      deviceId: DeviceId,
      deviceType: DeviceType,
      gatewayNodeId: Type.String(),
    }),
    result: Closed({ accepted: Type.Boolean() }),
  },
  /** Internal. */
  disconnected: {
    summary: "A connection closed",
    params: Closed({ userId: Id, sessionId: Id, connectionId: Type.String() }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal. Connections that presence has lost are connected again by what is said of their device; without it they stay lost. */
  heartbeat: {
    summary: "These connections of a gateway live",
    params: Closed({
      gatewayNodeId: Type.String(),
      connections: Type.Array(
        Closed({
          userId: Id,
          sessionId: Id,
          connectionId: Type.String(),
          deviceId: Type.Optional(DeviceId),
          deviceType: Type.Optional(DeviceType),
        }),
      ),
    }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal: without regard to privacy, with gateway and heartbeat of each connection. */
  of: {
    summary: "Presence of users, for operators and services",
    params: Closed({ userIds: UserIds }),
    result: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    idempotent: true,
  },
} satisfies ServiceContract;
