import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideRequest, type RequestFacts } from "../../services/friend/request-rules.ts";

const facts = (changes: Partial<RequestFacts> = {}): RequestFacts => ({
  isActive: true,
  acceptsRequests: true,
  areFriends: false,
  pending: null,
  ...changes,
});
const refusal = (error: string) => ({ kind: "refuse", error });

describe("decideRequest", () => {
  it("sends when nothing stands against it", () => {
    assert.deepEqual(decideRequest("1", "2", facts()), { kind: "send" });
  });

  it("accepts what waits from the other side, even of someone who takes no requests", () => {
    const pending = { requestId: "9", fromUserId: "2" };
    assert.deepEqual(decideRequest("1", "2", facts({ pending, acceptsRequests: false })), { kind: "accept", requestId: "9" });
  });

  it("refuses with the reason", () => {
    const pending = { requestId: "9", fromUserId: "1" };
    assert.deepEqual(decideRequest("1", "1", facts({ isActive: false })), refusal("CANNOT_ADD_SELF"));
    assert.deepEqual(decideRequest("1", "2", facts({ isActive: false, acceptsRequests: false })), refusal("USER_NOT_FOUND"));
    assert.deepEqual(decideRequest("1", "2", facts({ areFriends: true, acceptsRequests: false })), refusal("ALREADY_FRIENDS"));
    assert.deepEqual(decideRequest("1", "2", facts({ pending, acceptsRequests: false })), refusal("REQUEST_PENDING"));
    assert.deepEqual(decideRequest("1", "2", facts({ acceptsRequests: false })), refusal("REQUESTS_REFUSED"));
  });
});
