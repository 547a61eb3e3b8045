import { Type, type Static } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Notification } from "../entities.ts";
import { MAX_BROADCAST_LENGTH, MAX_BROADCAST_USERS, MAX_PAGE } from "../limits.ts";
import { Block, Closed, Cursor, Id, Limit, Nothing, Nullable, OneOf, Page, Time } from "../primitives.ts";

const Sentence = { ...Block(MAX_BROADCAST_LENGTH), minLength: 1 };
const BroadcastText = Closed({ en: Sentence, zh: Sentence });
/** Whom a broadcast is for: those for whom all that is given holds. Times exclude themselves. */
const BroadcastFilter = Closed({
  userIds: Type.Optional(Type.Array(Id, { maxItems: MAX_BROADCAST_USERS })),
  groupId: Type.Optional(Id),
  createdAfter: Type.Optional(Time),
  createdBefore: Type.Optional(Time),
  language: Type.Optional(OneOf("en", "zh")),
});
/** `done` of `total` users were looked at, and `told` of them got a notification. */
export const Broadcast = Closed({
  broadcastId: Id,
  state: OneOf("running", "done", "cancelled"),
  total: Type.Integer(),
  done: Type.Integer(),
  told: Type.Integer(),
  text: BroadcastText,
  filter: BroadcastFilter,
  createdAt: Time,
  finishedAt: Nullable(Time),
});
export type Broadcast = Static<typeof Broadcast>;
const ById = Closed({ broadcastId: Id });

export const notificationContract = {
  list: {
    summary: "My notifications, newest first",
    params: Closed({ read: Type.Optional(Type.Boolean()), limit: Limit, cursor: Cursor }),
    result: Page(Notification),
    idempotent: true,
  },
  unreadCount: {
    summary: "How many of them are unread",
    params: Closed({}),
    result: Closed({ count: Type.Integer() }),
    idempotent: true,
  },
  markRead: {
    summary: "Mark some or all read",
    params: Closed({
      ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: MAX_PAGE, uniqueItems: true })),
      all: Type.Optional(Type.Literal(true)),
    }),
    result: Closed({ count: Type.Integer({ description: "Unread afterwards" }) }),
    errors: ["NOTIFICATION_NOT_FOUND"],
    idempotent: true,
  },
  /**
   * Internal: stores a notification for each user and tells those who are online. The same `eventId` stores nothing twice for a
   * user. `data.fromUserId` is shown as `fromUser {userId, nickname}`; type `system.notice` says `data.text`, a sentence or
   * `{en, zh}`.
   */
  notify: {
    summary: "Notify users",
    params: Closed({
      eventId: Type.String({ maxLength: 64 }),
      userIds: Type.Array(Id, { maxItems: 5_000 }),
      type: Type.String({ maxLength: 64 }),
      data: Type.Record(Type.String(), Type.Unknown()),
    }),
    result: Nothing,
    idempotent: true,
  },
  /**
   * Internal, for operators: tells all active users, or some, in the background; who registers later is not told. Each gets one
   * notification of type `system.notice` with `data` and the text.
   */
  broadcast: {
    summary: "Begin to tell all users, or some",
    params: Closed({
      text: BroadcastText,
      data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      filter: Type.Optional(BroadcastFilter),
    }),
    result: ById,
    errors: ["GROUP_NOT_FOUND"],
  },
  /** Internal. */
  broadcasts: {
    summary: "Broadcasts, newest first",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(Broadcast),
    idempotent: true,
  },
  /** Internal. */
  broadcastStatus: {
    summary: "How far a broadcast has got",
    params: ById,
    result: Broadcast,
    errors: ["BROADCAST_NOT_FOUND"],
    idempotent: true,
  },
  /** Internal. Those who were told stay told; one that is over stays as it is. */
  cancelBroadcast: {
    summary: "End a broadcast before it is done",
    params: ById,
    result: Broadcast,
    errors: ["BROADCAST_NOT_FOUND"],
    idempotent: true,
  },
  /** Internal: a user's notifications, for the export; pages go from the newest down, a short one is the last. */
  exportOf: {
    summary: "Notifications of a user",
    params: Closed({
      userId: Id,
      before: Type.Optional(Id),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    }),
    result: Type.Array(Notification),
    idempotent: true,
  },
} satisfies ServiceContract;
