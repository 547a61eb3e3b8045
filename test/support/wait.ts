import { setTimeout as delay } from "node:timers/promises";

/** What comes at all comes by then, on a busy machine too. */
const PATIENCE_MS = 30_000;

/** Waits until `condition` gives something truthy and returns it; fails with `what` after `timeoutMs`. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what = "condition",
  timeoutMs = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await delay(5);
  }
}
