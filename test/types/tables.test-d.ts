import { Type } from "typebox";
import type { ErrorEntry } from "../../contracts/errors.ts";
import type { ServiceContract } from "../../contracts/define.ts";
import type { DomainEvents } from "../../contracts/events.ts";
import type { ActionName, Params, Result } from "../../contracts/index.ts";
import { Closed, Id, OneOf } from "../../contracts/primitives.ts";
import type { Route } from "../../contracts/routes.ts";
import type { ClientEvent, ServerEventPayload } from "../../contracts/socket-events.ts";
import type { Database, Tx } from "../../mixins/database/port.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import type { Outbox } from "../../mixins/outbox/index.ts";

export const route: Route = { method: "GET", path: "/users/me", action: "user.me", auth: "user" };
// @ts-expect-error: there is no such action
export const routeToNowhere: Route = { method: "GET", path: "/users/me", action: "user.self", auth: "user" };
// @ts-expect-error: REST has no such method here
export const patched: Route = { method: "PATCH", path: "/users/me", action: "user.me", auth: "user" };
// @ts-expect-error: a route is open or for users
export const secret: Route = { method: "GET", path: "/users/me", action: "user.me", auth: "admin" };

export const event: ClientEvent = { action: "message.send", perMinute: 1, summary: "Send" };
// @ts-expect-error: there is no such action
export const eventToNowhere: ClientEvent = { action: "message.shout", perMinute: 1, summary: "Shout" };
export const typing: ServerEventPayload<"typing"> = { conversationId: "g_1", userId: "1", kind: "text" };
// @ts-expect-error: `kind` is one of three
export const dancing: ServerEventPayload<"typing"> = { conversationId: "g_1", userId: "1", kind: "dance" };

const ping = { summary: "Ping", params: Closed({}), result: Type.Null() };
export const contract = { ping: { ...ping, errors: ["MUTED"] } } satisfies ServiceContract;
// @ts-expect-error: the table has no such error
export const contractOfNothing = { ping: { ...ping, errors: ["BORED"] } } satisfies ServiceContract;
// @ts-expect-error: an action says what it gives
export const contractWithoutResult = { ping: { summary: "Ping", params: Closed({}) } } satisfies ServiceContract;
// @ts-expect-error: an error says whether it may be tried again
export const entry: ErrorEntry = { code: 1, status: 400, en: "No", zh: "不" };

export const names: ActionName[] = ["message.send", "socket.deliver"];
// @ts-expect-error: there is no such action
export const noName: ActionName = "message";
export const optional: Params<"message.history"> = { conversationId: "g_1" };
// @ts-expect-error: the result of nothing is null
export const nothing: Result<"auth.logout"> = undefined;
export const choice = OneOf("a", "b");
// @ts-expect-error: an enumeration is made of texts
export const numbers = OneOf(1, 2);
export const id = Id;

declare const outbox: Outbox;
declare const sql: Database;

export async function domainEvents(tx: Tx): Promise<void> {
  const payload: DomainEvents["im.user.created"] = { userId: "1" };
  await outbox.add(tx, { subject: "im.user.created", key: "1", payload });
  // @ts-expect-error: there is no such event
  await outbox.add(tx, { subject: "im.user.born", key: "1", payload });
  // @ts-expect-error: the payload is another event's
  await outbox.add(tx, { subject: "im.friend.removed", key: "1", payload });
  // @ts-expect-error: an event is written in the transaction that makes the change
  await outbox.add({ subject: "im.user.created", key: "1", payload });
  // @ts-expect-error: a transaction comes from the database
  await sql.execute("select 1", {}, { begin: true });
}

withSubscriptions<unknown>({
  consumer: "test",
  handlers: {
    "im.user.created": async ({ payload }) => {
      payload.userId satisfies string;
      // @ts-expect-error: the event has no such field
      payload.groupId;
    },
  },
});
withSubscriptions<unknown>({
  consumer: "test",
  handlers: {
    // @ts-expect-error: there is no such event
    "im.user.born": async () => undefined,
  },
});
