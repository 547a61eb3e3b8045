import type { Params } from "../contracts/index.ts";
import { call, type Calls } from "./service.ts";

export type Deliveries = Params<"socket.deliver">["deliveries"];

/** Room of all connections of a user. */
export const userRoom = (userId: string): string => `u:${userId}`;
/** Room of all connections of a group's members. */
export const conversationRoom = (conversationId: string): string => `c:${conversationId}`;
/** Room of the connections that watch a user's presence. */
export const presenceRoom = (userId: string): string => `p:${userId}`;

/**
 * Pushes to connected devices. A push is a hint: what it says can be read too, so a failure is not the caller's.
 */
export async function push(calls: Calls, deliveries: Deliveries): Promise<void> {
  if (deliveries.length === 0) return;
  try {
    await call(calls, "socket.deliver", { deliveries });
  } catch {
    // No gateway can be reached: clients learn of it when they sync.
  }
}
