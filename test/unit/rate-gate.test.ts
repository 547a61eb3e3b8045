import assert from "node:assert/strict";
import { test } from "node:test";
import type { HotLimits } from "../../mixins/hot-store/port.ts";
import { RateGate } from "../../services/socket/rate-gate.ts";

function buildGate() {
  const told: { key: string; points: number }[] = [];
  const limits: HotLimits = {
    consume: (key, _limit, _windowMs, points = 1) => {
      told.push({ key, points });
      return Promise.resolve(0);
    },
    blockedFor: () => Promise.resolve(0),
    reset: () => Promise.resolve(),
    isNews: async () => true,
  };
  return { gate: new RateGate(limits), told };
}

test("tells the hot store each full share", () => {
  const { gate, told } = buildGate();
  for (let i = 0; i < 10; i++) gate.check("1", "typing", 20, 0);
  assert.deepEqual(told, [
    { key: "socket:typing:1", points: 5 },
    { key: "socket:typing:1", points: 5 },
  ]);
});

test("forgets a share that was not full when its window is over, so that memory follows who is active", () => {
  const { gate, told } = buildGate();
  for (let i = 0; i < 4; i++) gate.check("1", "typing", 20, 0);
  gate.sweep(30_000);
  gate.sweep(60_001);
  gate.check("1", "typing", 20, 60_002);
  assert.deepEqual(told, []);
});

test("a sweep within the window forgets nothing", () => {
  const { gate, told } = buildGate();
  for (let i = 0; i < 4; i++) gate.check("1", "typing", 20, 0);
  gate.sweep(30_000);
  gate.check("1", "typing", 20, 30_001);
  assert.deepEqual(told, [{ key: "socket:typing:1", points: 5 }]);
});
