import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Notification } from "../entities.ts";
import { MAX_PAGE } from "../limits.ts";
import { Closed, Cursor, Id, Limit, Nothing, Page } from "../primitives.ts";

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
