import assert from "node:assert/strict";
import { test } from "node:test";
import { MissedPushes } from "../../services/socket/missed-pushes.ts";
import type { ImSocket } from "../../services/socket/types.ts";

const SPREAD_MS = 5_000;
const sockets = Array.from({ length: 400 }, (_, id) => ({ id: String(id) }) as ImSocket);

function createWorld(): { missed: MissedPushes; told: string[] } {
  const told: string[] = [];
  const missed = new MissedPushes({ sockets: () => sockets, tell: ({ id }) => void told.push(id), spreadMs: SPREAD_MS });
  return { missed, told };
}

test("all are told once, each at a moment of its own", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { missed, told } = createWorld();
  missed.suspect();
  let most = 0;
  for (let at = 0; at < SPREAD_MS; at += SPREAD_MS / 50) {
    const before = told.length;
    t.mock.timers.tick(SPREAD_MS / 50);
    most = Math.max(most, told.length - before);
  }
  assert.deepEqual(new Set(told), new Set(sockets.map(({ id }) => id)));
  assert.equal(told.length, sockets.length);
  assert.ok(most < sockets.length / 8, `${most} at once`);
});

test("who was told is told again of what was lost since, who was not hears of both at once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { missed, told } = createWorld();
  missed.suspect();
  t.mock.timers.tick(SPREAD_MS / 2);
  const before = told.length;
  missed.suspect();
  t.mock.timers.tick(2 * SPREAD_MS);
  assert.ok(before > 0 && before < sockets.length);
  assert.equal(told.length, sockets.length + before);
  assert.deepEqual(new Set(told.slice(before)), new Set(sockets.map(({ id }) => id)));
});

test("nobody is told when the gateway has closed", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { missed, told } = createWorld();
  missed.suspect();
  missed.close();
  t.mock.timers.tick(SPREAD_MS);
  assert.deepEqual(told, []);
});
