import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TransitDelay } from "../../lib/transit-delay.ts";

/** A sender whose clock is `aheadMs` ahead of ours; packets take 3 ms and what holds them up. */
function sender(delays: TransitDelay, aheadMs: number, instance = "a") {
  return (sentAt: number, heldUpMs = 0): number => delays.note("node", instance, sentAt + aheadMs, sentAt + 3 + heldUpMs);
}

describe("transit delay", () => {
  it("is what a packet took beyond the quickest, whatever the clocks say", () => {
    for (const ahead of [0, 5_000_000, -5_000_000]) {
      const note = sender(new TransitDelay(), ahead);
      assert.equal(note(1_000, 40), 0);
      assert.equal(note(1_100), 0);
      assert.equal(note(1_200, 40), 40);
      assert.equal(note(1_300), 0);
      assert.equal(note(1_400, 8_000), 8_000);
    }
  });

  it("is known of the first packets after a silence of any length", () => {
    const note = sender(new TransitDelay(), 0);
    for (const at of [0, 5_000, 10_000]) note(at);
    assert.equal(note(20_000, 120_000), 120_000);
    assert.equal(note(60_000, 80_000), 80_000);
    assert.equal(note(141_000), 0);
  });

  it("is learned anew when a clock has stood still or runs slow", () => {
    const delays = new TransitDelay();
    const [before, after] = [sender(delays, 0), sender(delays, -60_000)];
    for (const at of [0, 5_000]) before(at);
    assert.equal(after(10_000), 60_000);
    for (let at = 15_000; at <= 75_000; at += 5_000) after(at);
    assert.equal(after(80_000), 0);
  });

  it("starts again with each start of the sender", () => {
    const delays = new TransitDelay();
    for (const at of [0, 5_000]) sender(delays, 9_000_000, "first")(at);
    assert.equal(sender(delays, 0, "second")(6_000), 0);
  });
});
