import type { ErrorType } from "../../contracts/errors.ts";

/** What decides about a friend request. A block is missing on purpose: whoever is blocked must not learn it from the answer. */
export interface RequestFacts {
  /** The person asked exists and is neither deleted nor disabled. */
  readonly isActive: boolean;
  readonly acceptsRequests: boolean;
  readonly areFriends: boolean;
  /** The request that waits between the two, from either side. */
  readonly pending: { readonly requestId: string; readonly fromUserId: string } | null;
}

export type RequestDecision =
  | { readonly kind: "send" }
  /** The other side has asked before: their request is accepted. */
  | { readonly kind: "accept"; readonly requestId: string }
  | { readonly kind: "refuse"; readonly error: ErrorType };

export function decideRequest(fromUserId: string, toUserId: string, facts: RequestFacts): RequestDecision {
  if (fromUserId === toUserId) return refuse("CANNOT_ADD_SELF");
  if (!facts.isActive) return refuse("USER_NOT_FOUND");
  if (facts.areFriends) return refuse("ALREADY_FRIENDS");
  if (facts.pending?.fromUserId === fromUserId) return refuse("REQUEST_PENDING");
  if (facts.pending) return { kind: "accept", requestId: facts.pending.requestId };
  if (!facts.acceptsRequests) return refuse("REQUESTS_REFUSED");
  return { kind: "send" };
}

const refuse = (error: ErrorType): RequestDecision => ({ kind: "refuse", error });
