import assert from "node:assert/strict";
import { test } from "node:test";
import { UNKNOWN_EVENTS_PER_MINUTE } from "../../contracts/socket-events.ts";
import { buildUser, startIm } from "../support/im.ts";

/** Events of one user that a gateway counts by itself before it tells the hot store. */
const OVERSHOOT = 20;

test("who floods with events that do not exist is told so, then to wait, whatever the names and connections", async () => {
  await using im = await startIm({ rateLimits: true });
  const [flooder, other] = [await buildUser(im), await buildUser(im)];
  const clients = [await im.connect({ token: flooder.token }), await im.connect({ token: flooder.token })];
  const codes: number[] = [];
  for (let i = 0; i < 2 * UNKNOWN_EVENTS_PER_MINUTE; i++)
    codes.push((await clients[i % 2]!.send(`no:such:${i}`, { any: "thing" })).code);
  const first = codes.indexOf(9005);
  assert.ok(
    first >= UNKNOWN_EVENTS_PER_MINUTE && first <= UNKNOWN_EVENTS_PER_MINUTE + OVERSHOOT,
    `refused from the ${first}th on`,
  );
  assert.ok(codes.slice(0, first).every((code) => code === 9010));
  assert.ok(codes.slice(first).every((code) => code === 9005));
  const { code, message, data } = await clients[0]!.send<{ retryAfterMs: number }>("constructor");
  assert.equal(code, 9005);
  assert.ok(message);
  assert.ok(data!.retryAfterMs > 0 && data!.retryAfterMs <= 60_000);

  await clients[0]!.ok("presence:subscribe", { userIds: [other.userId] });
  const unlimited = await im.connect({ token: other.token });
  assert.equal((await unlimited.send("no:such:event")).code, 9010);
});

test("events that do not exist are counted under one name, whatever they are called", async () => {
  await using im = await startIm();
  const { token } = await buildUser(im);
  const client = await im.connect({ token });
  for (const name of ["no:such:event", "__proto__", "toString", "x".repeat(1_000)]) {
    assert.equal((await client.send(name, {})).code, 9010);
  }
  const metrics = im.broker.getLocalService("socket") as unknown as { metrics: { text(): Promise<string> } };
  const counted = (await metrics.metrics.text()).split("\n").filter((line) => line.startsWith("im_socket_events_total{"));
  assert.equal(counted.length, 1);
  assert.match(counted[0]!, /event="unknown".* 4$/);
});
