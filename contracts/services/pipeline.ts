import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { ConversationId, Closed, DeviceId, Id, Nothing, Nullable } from "../primitives.ts";

const Counts = Type.Record(Type.String(), Nullable(Type.Number()));

/** Internal services of the message pipeline and of delivery. */
export const persisterContract = {
  status: { summary: "Counters of the persister", params: Closed({}), result: Counts, idempotent: true },
  deadLetters: {
    summary: "Records that could never be written, with reasons",
    params: Closed({ limit: Type.Integer({ minimum: 1, maximum: 1000 }) }),
    result: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    idempotent: true,
  },
  /** Internal: messages that stay pending are given up; one that the database has is left alone. */
  bury: {
    summary: "Make dead letters of pending messages",
    params: Closed({ messageIds: Type.Array(Id), reason: Type.String() }),
    result: Closed({ buried: Type.Integer() }),
    idempotent: true,
  },
  redrive: {
    summary: "Hand a page of dead letters, oldest first, to the persister again",
    params: Closed({
      limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
      cursor: Type.Optional(Type.String({ pattern: "^[0-9]{1,15}\\.[0-9]{1,19}$" })),
    }),
    /** `nextCursor` where there may be letters behind this page; those of it that are dead still are not among them. */
    result: Closed({ redriven: Type.Integer(), nextCursor: Type.Optional(Type.String()) }),
    errors: ["SEND_FAILED"],
  },
} satisfies ServiceContract;

export const compensatorContract = {
  status: { summary: "Pending messages and what was done about them", params: Closed({}), result: Counts, idempotent: true },
  run: { summary: "Look for stuck messages now", params: Closed({}), result: Closed({ compensated: Type.Integer() }) },
} satisfies ServiceContract;

/** One push: an event for everybody in a room. Rooms: `u:<userId>`, `c:<conversationId>`, `p:<userId>` (who watches that user's presence). */
export const Delivery = Closed({
  room: Type.String(),
  event: Type.String(),
  payload: Type.Unknown(),
  /** Rooms or connections that do not get it. */
  except: Type.Optional(Type.Array(Type.String())),
});

export const socketContract = {
  status: { summary: "Counters of one gateway", params: Closed({}), result: Counts, idempotent: true },
  deliver: {
    summary: "Push events to rooms, in their order",
    params: Closed({ deliveries: Type.Array(Delivery) }),
    result: Nothing,
  },
  join: {
    summary: "All connections of these users join a conversation's room",
    params: Closed({ userIds: Type.Array(Id), conversationId: ConversationId }),
    result: Nothing,
    idempotent: true,
  },
  leave: {
    summary: "All connections of these users leave a conversation's room",
    params: Closed({ userIds: Type.Array(Id), conversationId: ConversationId }),
    result: Nothing,
    idempotent: true,
  },
  watch: {
    summary: "A connection watches the presence of users, or stops",
    params: Closed({ connectionId: Type.String(), userIds: Type.Array(Id), on: Type.Boolean() }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal, from gateway to gateway. `of`: rooms or connections. */
  moveRooms: {
    summary: "Connections of this gateway alone enter or leave rooms",
    params: Closed({ of: Type.Array(Type.String()), rooms: Type.Array(Type.String()), enter: Type.Boolean() }),
    result: Closed({ moved: Type.Integer() }),
    idempotent: true,
  },
  disconnect: {
    summary: "Close connections of a user to this gateway",
    params: Closed({ userId: Id, deviceId: Type.Optional(DeviceId), reason: Type.String() }),
    result: Closed({ closed: Type.Integer() }),
  },
} satisfies ServiceContract;
