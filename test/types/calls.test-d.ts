import type { ServiceBroker } from "moleculer";
import type { Message, SendResult, User } from "../../contracts/entities.ts";
import { imError, isImError } from "../../lib/errors.ts";
import { broadcast, call, callerOf, emit, type ImContext } from "../../lib/service.ts";

declare const broker: ServiceBroker;
declare const ctx: ImContext<{ userId: string }>;

export async function calls(): Promise<void> {
  const user: User = await call(ctx, "user.get", { userId: "1" });
  const users: User[] = await call(broker, "user.getMany", { userIds: ["1"] });
  const nothing: null = await call(ctx, "auth.logout", {});

  // @ts-expect-error: there is no such action
  await call(ctx, "user.grant", { userId: "1" });
  // @ts-expect-error: there is no such service
  await call(ctx, "users.get", { userId: "1" });
  // @ts-expect-error: an action is named with its service
  await call(ctx, "get", { userId: "1" });
  // @ts-expect-error: a param is missing
  await call(ctx, "user.get", {});
  // @ts-expect-error: params are missing
  await call(ctx, "user.get");
  // @ts-expect-error: ids are texts
  await call(ctx, "user.get", { userId: 1 });
  // @ts-expect-error: there is no such param
  await call(ctx, "user.get", { userId: "1", role: "admin" });
  // @ts-expect-error: an enumeration has its values only
  await call(ctx, "friend.handleRequest", { requestId: "1", action: "ignore" });
  // @ts-expect-error: a message of the system is not sent by clients
  await call(ctx, "message.send", { conversationId: "g_1", clientMsgId: "1", type: "system", content: {} });
  // @ts-expect-error: the result is a user
  const message: Message = await call(ctx, "user.get", { userId: "1" });
  // @ts-expect-error: the result is a list
  const one: User = await call(ctx, "user.getMany", { userIds: [] });
  const sent: SendResult = await call(ctx, "message.sendSystem", { conversationId: "g_1", clientMsgId: "1", content: {} });
  // @ts-expect-error: what was sent does not come back
  sent.content;
}

export async function events(): Promise<void> {
  await emit(broker, "presence.changed", { userId: "1", online: true, at: 0 });
  await broadcast(broker, "session.ended", { userId: "1", sessionIds: [], reason: "logout" });

  // @ts-expect-error: there is no such event
  await emit(broker, "presence.change", { userId: "1", online: true, at: 0 });
  // @ts-expect-error: a field is missing
  await emit(broker, "presence.changed", { userId: "1", online: true });
  // @ts-expect-error: there is no such field
  await emit(broker, "presence.changed", { userId: "1", online: true, at: 0, device: "phone" });
  // @ts-expect-error: there is no such reason
  await broadcast(broker, "session.ended", { userId: "1", sessionIds: [], reason: "boredom" });
  // @ts-expect-error: durable events go through the outbox
  await broadcast(broker, "im.user.created", { userId: "1" });
}

export function errors(error: unknown): void {
  imError("MUTED");
  imError("VALIDATION", { fields: [] });
  if (isImError(error, "MUTED", "GROUP_NOT_FOUND")) error.retryable satisfies boolean;

  // @ts-expect-error: there is no such error
  imError("MUTE");
  // @ts-expect-error: errors have types, not codes
  imError(3007);
  // @ts-expect-error: there is no such error
  isImError(error, "NOT_FOUND");
  // @ts-expect-error: data is an object
  imError("VALIDATION", "userId");
}

export function callers(): void {
  callerOf(ctx).userId satisfies string;
  // @ts-expect-error: the caller has no role
  callerOf(ctx).role;
  // @ts-expect-error: nobody may be behind a call
  ctx.meta.caller.userId;
  // @ts-expect-error: params are those of the action
  ctx.params.groupId;
}
