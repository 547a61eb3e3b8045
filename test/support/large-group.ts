import assert from "node:assert/strict";
import type { Params } from "../../contracts/index.ts";
import { chunksOf } from "../../lib/page.ts";
import conversationService from "../../services/conversation/conversation.service.ts";
import messageService from "../../services/message/message.service.ts";
import persisterService from "../../services/persister/persister.service.ts";
import { createGroupWorld, type GroupWorld } from "./group-world.ts";
import { clientMsgId } from "./im.ts";

/** The group service with the real conversation and message services. */
export const createLargeWorld = (): Promise<GroupWorld> =>
  createGroupWorld({ inPlace: [conversationService, messageService, persisterService] });

/** People that one request may name. */
const PORTION = 500;

/** Ids of so many people, from 10001 on. */
export const crowd = (count: number): string[] => Array.from({ length: count }, (_, i) => String(10_001 + i));

/** A group of user 1 and, if `size` is more, of the crowd, who join by their white lists in portions. */
export async function largeGroup(
  world: GroupWorld,
  size: number,
  more: Partial<Params<"group.create">> = {},
): Promise<{ groupId: string; conversationId: string; members: readonly string[] }> {
  const groupId = await world.group("1", {}, { maxMembers: 5_000, joinMode: "open", ...more });
  const members = crowd(size - 1);
  for (const userIds of chunksOf(members, PORTION)) {
    for (const userId of userIds) world.neighbours.allows.add(`1:${userId}`);
    const { joined } = await world.as("1", "group.invite", { groupId, userIds });
    assert.equal(joined.length, userIds.length);
  }
  return { groupId, conversationId: `g_${groupId}`, members };
}

export const say = (world: GroupWorld, from: string, conversationId: string, more: Partial<Params<"message.send">> = {}) =>
  world.as(from, "message.send", {
    conversationId,
    clientMsgId: clientMsgId(),
    type: "text",
    content: { text: "hello" },
    ...more,
  });

/** Seqs that a user reads in a conversation, from the oldest on. */
export async function readBy(world: GroupWorld, userId: string, conversationId: string): Promise<number[]> {
  const { items } = await world.as(userId, "message.history", { conversationId, afterSeq: 0, limit: 100 });
  return items.map(({ seq }) => seq);
}

/** Of a user's row in a conversation what says what they see of it. */
export async function boundsOf(world: GroupWorld, userId: string, conversationId: string): Promise<Record<string, unknown>> {
  const [row] = await world.deps.sql.select<Record<string, unknown>>(
    "select active, min_seq, max_seq, since_seq, read_seq from conversation_member where user_id = :userId and conversation_id = :conversationId",
    { userId, conversationId },
  );
  return { ...row };
}

/** Rooms that an event was pushed to since, in their order. */
export const pushedSince = (world: GroupWorld, from: number, event: string): string[] =>
  world.told
    .slice(from)
    .flatMap(({ action, params }) =>
      action === "socket.deliver" ? (params["deliveries"] as { room: string; event: string }[]) : [],
    )
    .filter((delivery) => delivery.event === event)
    .map(({ room }) => room);
