import assert from "node:assert/strict";
import type { Conversation } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import type { Im } from "./im.ts";
import type { Person } from "./messages.ts";

/** What people do with their conversations. */

export const list = async (im: Im, user: Person): Promise<Conversation[]> =>
  (await im.node.as(user.userId, "conversation.list", { limit: 100 })).items;

/** A conversation as it stands in a user's list; fails when it does not. */
export async function listed(im: Im, user: Person, conversationId: string): Promise<Conversation> {
  const found = (await list(im, user)).find((one) => one.conversationId === conversationId);
  assert.ok(found, `${conversationId} is not listed`);
  return found;
}

export const update = (
  im: Im,
  user: Person,
  conversationId: string,
  change: Omit<Params<"conversation.update">, "conversationId">,
) => im.node.as(user.userId, "conversation.update", { conversationId, ...change });
/** Gives the seq that the user has read up to now. */
export const markRead = async (im: Im, user: Person, conversationId: string, seq: number) =>
  (await im.node.as(user.userId, "conversation.markRead", { conversationId, seq })).seq;
/** Gives the seq that was delivered to the user up to now. */
export const markDelivered = async (im: Im, user: Person, conversationId: string, seq: number) =>
  (await im.node.as(user.userId, "conversation.markDelivered", { conversationId, seq })).seq;
export const clear = (im: Im, user: Person, conversationId: string) =>
  im.node.as(user.userId, "conversation.clear", { conversationId });
/** What the services know of a user in a conversation. */
export const access = (im: Im, user: Person, conversationId: string) =>
  im.node.call("conversation.access", { conversationId, userId: user.userId });
