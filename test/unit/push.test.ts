import assert from "node:assert/strict";
import { test } from "node:test";
import { push, userRoom, type Deliveries } from "../../lib/push.ts";
import type { Calls } from "../../lib/service.ts";

const deliveries: Deliveries = [{ room: userRoom("7"), event: "message:new", payload: {} }];

/** Gateways that answer so, one for each call. */
function gateways(...answers: (Error | null)[]): { calls: Calls; asked: string[] } {
  const asked: string[] = [];
  const call = (name: string): Promise<unknown> => {
    asked.push(name);
    const answer = answers[asked.length - 1];
    return answer ? Promise.reject(answer) : Promise.resolve(null);
  };
  return { calls: { call } as unknown as Calls, asked };
}
const lost = (): Error => Object.assign(new Error("timed out"), { type: "REQUEST_TIMEOUT" });

test("a push that a dead gateway swallowed goes through another one", async () => {
  const { calls, asked } = gateways(lost(), null);
  await push(calls, deliveries);
  assert.equal(asked.length, 2);
});

test("it is tried a few times, and is nobody's failure", async () => {
  const { calls, asked } = gateways(lost(), lost(), lost(), lost());
  await push(calls, deliveries);
  assert.equal(asked.length, 3);
});

test("where no gateway is, none is tried again; nothing to push asks nobody", async () => {
  const away = Object.assign(new Error("none"), { type: "SERVICE_NOT_FOUND" });
  const { calls, asked } = gateways(away, null);
  await push(calls, deliveries);
  await push(calls, []);
  assert.equal(asked.length, 1);
});
