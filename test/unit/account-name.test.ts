import assert from "node:assert/strict";
import { test } from "node:test";
import { isImError } from "../../lib/errors.ts";
import { accountName } from "../../lib/account-name.ts";

const invalid = (error: unknown): boolean => isImError(error, "VALIDATION");

test("names an account in the form in which it is unique", () => {
  assert.deepEqual(accountName({ username: "Alice" }), { kind: "username", value: "alice" });
  assert.deepEqual(accountName({ phone: "+8613800000000" }), { kind: "phone", value: "+8613800000000" });
  assert.deepEqual(accountName({ email: "Alice@Example.com" }), { kind: "email", value: "alice@example.com" });
});

test("exactly one must be given", () => {
  assert.throws(() => accountName({}), invalid);
  assert.throws(() => accountName({ username: "alice", email: "alice@example.com" }), invalid);
});
