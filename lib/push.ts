import type { Params } from "../contracts/index.ts";
import { call, type Calls } from "./service.ts";

export type Deliveries = Params<"socket.deliver">["deliveries"];

/** Room of all connections of a user. */
export const userRoom = (userId: string): string => `u:${userId}`;
/** Room of all connections of one session. */
export const sessionRoom = (sessionId: string): string => `s:${sessionId}`;
/** Room of all connections of a group's members. */
export const conversationRoom = (conversationId: string): string => `c:${conversationId}`;
/** Room of the connections that watch a user's presence. */
export const presenceRoom = (userId: string): string => `p:${userId}`;

/** A gateway answers in a few milliseconds; one that has not by then has died, or does not run. */
const GATEWAY_TIMEOUT_MS = 1_000;
/** Gateways that are tried, one after the other. */
const TRIES = 3;

/**
 * Pushes to connected devices, through any gateway: one that does not answer is taken for dead, and another is asked, so that in
 * rare cases something is pushed twice. A push is a hint: what it says can be read too, so a failure is not the caller's.
 */
export async function push(calls: Calls, deliveries: Deliveries): Promise<void> {
  if (deliveries.length === 0) return;
  for (let left = TRIES; left > 0; left--) {
    try {
      await call(calls, "socket.deliver", { deliveries }, { timeout: GATEWAY_TIMEOUT_MS });
      return;
    } catch (error) {
      if ((error as { type?: string }).type !== "REQUEST_TIMEOUT") return; // no gateway can be reached: clients learn of it when they sync
    }
  }
}
