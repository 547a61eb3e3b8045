import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Turnstile } from "../property/turnstile.ts";

test("who acts alone does so after all who came before and before all who come later, though some fail", async () => {
  const turnstile = new Turnstile();
  const seen: string[] = [];
  const slow = Promise.withResolvers<void>();
  const acting = [
    turnstile.together(() => slow.promise.then(() => seen.push("slow"))),
    turnstile.together(() => Promise.reject(new Error("fails"))).catch(() => seen.push("failed")),
    turnstile.together(async () => seen.push("beside")),
  ];
  await acting[2];
  assert.deepEqual(seen, ["beside", "failed"]);
  acting.push(
    turnstile.alone(() => Promise.reject(new Error("fails"))).catch(() => seen.push("alone, failed")),
    turnstile.together(async () => seen.push("later")),
    turnstile.alone(async () => seen.push("alone")),
    turnstile.together(async () => seen.push("last")),
  );
  await setImmediate();
  assert.deepEqual(seen, ["beside", "failed"]);
  slow.resolve();
  await Promise.all(acting);
  assert.deepEqual(seen, ["beside", "failed", "slow", "alone, failed", "later", "alone", "last"]);
});
