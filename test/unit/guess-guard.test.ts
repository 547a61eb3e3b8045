import assert from "node:assert/strict";
import { test } from "node:test";
import { WRONG_PASSWORDS_PER_ACCOUNT, WRONG_PASSWORDS_PER_ADDRESS } from "../../config/limits.ts";
import { isImError } from "../../lib/errors.ts";
import { createGuessGuard } from "../../lib/guess-guard.ts";
import { memoryLimits } from "../../mixins/hot-store/limits-memory.ts";

const isLimited = (error: unknown): boolean =>
  isImError(error, "RATE_LIMITED") && (error.data as { retryAfterMs: number }).retryAfterMs > 0;

function guarded() {
  const guard = createGuessGuard(memoryLimits());
  const attempts: string[] = [];
  const attempt = (account: string, address: string | null, isRight: boolean) =>
    guard({ account, address }, () => {
      attempts.push(account);
      return Promise.resolve(isRight ? account : null);
    });
  return {
    attempts,
    wrong: (account: string, address: string | null = null) => attempt(account, address, false),
    right: (account: string, address: string | null = null) => attempt(account, address, true),
  };
}

test("after ten wrong passwords the account is refused without another look, also with the right one", async () => {
  const { attempts, wrong, right } = guarded();
  for (let i = 0; i < WRONG_PASSWORDS_PER_ACCOUNT; i++) assert.equal(await wrong("a"), null);
  await assert.rejects(wrong("a"), isLimited);
  await assert.rejects(right("a"), isLimited);
  assert.equal(attempts.length, WRONG_PASSWORDS_PER_ACCOUNT);
  assert.equal(await right("b"), "b");
});

test("a right password clears what was counted for the account", async () => {
  const { wrong, right } = guarded();
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i < WRONG_PASSWORDS_PER_ACCOUNT; i++) await wrong("a");
    assert.equal(await right("a"), "a");
  }
});

test("an address is refused after fifty wrong passwords at whatever accounts, and its own right one in between does not help", async () => {
  const { wrong, right } = guarded();
  for (let i = 0; i < WRONG_PASSWORDS_PER_ADDRESS; i++) {
    await wrong(`a${i}`, "192.0.2.1");
    if (i === 30) await right("own", "192.0.2.1");
  }
  await assert.rejects(right("own", "192.0.2.1"), isLimited);
  assert.equal(await right("own", "192.0.2.2"), "own");
});

test("a burst gets no more tries than its limit", async () => {
  const { attempts, wrong } = guarded();
  await Promise.allSettled(Array.from({ length: 100 }, () => wrong("a", "192.0.2.1")));
  assert.equal(attempts.length, WRONG_PASSWORDS_PER_ACCOUNT);
  const spread = guarded();
  await Promise.allSettled(Array.from({ length: 200 }, (_, i) => spread.wrong(`a${i}`, "192.0.2.1")));
  assert.ok(spread.attempts.length <= WRONG_PASSWORDS_PER_ADDRESS + 1, `${spread.attempts.length} tries`);
});

test("right passwords count nowhere", async () => {
  const { right } = guarded();
  for (let i = 0; i < 2 * WRONG_PASSWORDS_PER_ADDRESS; i++) await right("a", "192.0.2.1");
});

test("an attempt that fails to give an answer counts nowhere", async () => {
  const guard = createGuessGuard(memoryLimits());
  for (let i = 0; i < 20; i++)
    await assert.rejects(
      guard({ account: "a", address: null }, () => Promise.reject(new Error("away"))),
      /away/,
    );
  assert.equal(await guard({ account: "a", address: null }, () => Promise.resolve(1)), 1);
});
