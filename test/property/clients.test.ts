import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import { startIm, type Im } from "../support/im.ts";
import { onCluster } from "../support/on-cluster.ts";
import { forAll, isExploring, type ForAll } from "./for-all.ts";
import { Model } from "./model.ts";
import { clientOperation, isOfMembership, shape, type ClientOperation } from "./operations.ts";
import { act, perform, taskOf, Words } from "./perform.ts";
import { Turnstile } from "./turnstile.ts";
import { assertConverges, buildWorld, type World } from "./world.ts";

const HOW = { runs: 120, timeLimitMs: 90_000 };

test("clients that take turns get what the model says, and all devices show the same", { timeout: 280_000 }, async () => {
  await using im = await startIm();
  const operations = fc.array(clientOperation, { maxLength: 60, size: "max" });
  await forAll(fc.record({ shape, operations }), HOW, async (given) => {
    await using world = await buildWorld(im, given.shape);
    const model = new Model(world, given.shape.historyVisible);
    const words = new Words();
    await model.learnSystemMessages();
    for (const operation of given.operations) await takeTurn(world, model, words, operation);
    await assertConverges(world);
  });
});

async function takeTurn(world: World, model: Model, words: Words, operation: ClientOperation): Promise<void> {
  const task = taskOf(world, operation, words, (conversation) => model.messagesOf(conversation));
  const reply = await perform(world, task);
  if (reply === null) return;
  const { code, then } = model.expect(task);
  assert.equal(reply.code, code, `answer to ${JSON.stringify(operation)}`);
  if (code === 0) then?.(reply.data as never);
  if (isOfMembership(operation)) await model.learnSystemMessages();
}

async function assertAgree(im: Im, how: ForAll): Promise<void> {
  const script = fc.array(clientOperation, { maxLength: 25, size: "max" });
  const scripts = fc.array(script, { minLength: 2, maxLength: 6, size: "max" });
  await forAll(fc.record({ shape, scripts }), how, async (given) => {
    await using world = await buildWorld(im, given.shape);
    const [words, turnstile] = [new Words(), new Turnstile()];
    await Promise.all(given.scripts.map((operations) => actAlone(world, words, turnstile, operations)));
    await assertConverges(world);
  });
}

test("clients that act at once keep every invariant, and all devices show the same", { timeout: 280_000 }, async () => {
  await using im = await startIm();
  await assertAgree(im, HOW);
});

const cluster = await onCluster();

describe("on the servers of a cluster", { skip: cluster.skip }, () => {
  it("clients that act at once keep every invariant, and all devices show the same", { timeout: 280_000 }, async () => {
    await using im = await cluster.start();
    await assertAgree(im, { runs: 15, timeLimitMs: 60_000 });
  });
});

/**
 * One operation after the other, but what is sent is not waited for before the next. Who joins or leaves does so alone, unless
 * other values are tried: what is seen at that very moment may be right either way.
 */
async function actAlone(world: World, words: Words, turnstile: Turnstile, operations: readonly ClientOperation[]): Promise<void> {
  const sends: Promise<unknown>[] = [];
  for (const operation of operations) {
    const deed = (): Promise<unknown> => act(world, operation, words);
    const isAlone = isOfMembership(operation) && !isExploring;
    const done = isAlone ? turnstile.alone(() => inQuiet(world, deed)) : turnstile.together(deed);
    if (operation.op === "send" || operation.op === "repeat") sends.push(done);
    else await done;
  }
  await Promise.all(sends);
}

/** With nothing on its way before and after. */
async function inQuiet(world: World, deed: () => Promise<unknown>): Promise<void> {
  await world.quiet();
  await deed();
  await world.quiet();
}
