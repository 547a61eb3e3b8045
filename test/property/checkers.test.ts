import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { violationsOf } from "../chaos/checkers/index.ts";
import type { Violation } from "../chaos/final-state.ts";
import { startIm, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";
import { breakages, type Breakage } from "./breakages.ts";
import { breakagesOverTime } from "./breakages-over-time.ts";
import { buildWorld, readFinalState, type World } from "./world.ts";

const GRACE_MS = 1_100;
/** After which an ended session is over (I20). */
const ENDED_MS = 6_000;

/** A little of everything: what is sent together, again, changed, read, and by whom it is no longer heard. */
async function live(world: World): Promise<void> {
  const [owner, reader, leaver] = world.people.map(({ devices }) => devices[0]);
  const { conversationId } = world.conversations.at(-1)!;
  const say = (words: number) => owner!.send(conversationId, `k${words}`, `0 says ${words}`);
  await Promise.all([1, 2, 3, 4].map(say));
  const { data } = await say(4);
  await reader!.read(conversationId, data?.seq ?? 0);
  await leaver!.read(conversationId, 1);
  await owner!.send(world.conversations[0]!.conversationId, "k5", "0 says 5");
  if (data) await owner!.edit({ ...data, conversationId }, "0 says otherwise");
  await reader!.walk(conversationId, "up", 3);
  await leaver!.request((rest) => rest.delete(`/social/groups/${world.groupId}/members/${leaver!.userId}`));
  await say(6);
  await leaver!.walk(conversationId, "up", 100);
  await change(world);
  await endSession(world);
}

/** What must stay so: a recall, and a deletion for oneself. */
async function change(world: World): Promise<void> {
  const [owner, reader] = world.people.map(({ devices }) => devices[0]);
  const { conversationId } = world.conversations.at(-1)!;
  const sent = await Promise.all([8, 9].map((words) => owner!.send(conversationId, `k${words}`, `0 says ${words}`)));
  const [recalled, deleted] = sent.map(({ data }) => data && { ...data, conversationId });
  if (recalled) await owner!.recall(recalled);
  if (deleted) await reader!.delete(deleted);
}

/** One device of a person logs out, and tries to go on. */
async function endSession({ people, history }: World): Promise<void> {
  const device = people[1]!.devices[1];
  const nowhere = { conversationId: "" };
  const ask = () => device.do({ kind: "request", ...nowhere, what: "who I am" }, (rest) => rest.get("/users/me"));
  await ask();
  await device.do({ kind: "endSession", ...nowhere, devices: [device.name] }, (rest) => rest.post("/auth/logout", {}));
  // What was told before is on its way to it still.
  await waitFor(() => !device.isConnected, "the end of its connection");
  history.pass(ENDED_MS);
  await ask();
}

/** What leaves its mark a second later: messages to those who have left. */
async function liveOn(world: World): Promise<void> {
  const leftAt = Date.now();
  await waitFor(() => Date.now() > leftAt + GRACE_MS, "the time that leaving may take");
  const { conversationId } = world.conversations.at(-1)!;
  await world.people[0]!.devices[0].send(conversationId, "k7", "0 says 7");
}

async function liveBroken(im: Im, breakage: Breakage | null): Promise<Violation[]> {
  await using world = await buildWorld(im, { people: 3, historyVisible: false });
  const repair = (await breakage?.apply(world)) ?? (() => undefined);
  try {
    await live(world);
    await breakage?.also?.(world);
    if (breakage === null || breakage.invariant === "I14") await liveOn(world);
    // Pushes are under way still; what they show comes to light sooner or later.
    const find = async (): Promise<Violation[]> => violationsOf(world.history, await readFinalState(world));
    const hasFound = async (): Promise<boolean> => (await find()).some(({ invariant }) => invariant === breakage?.invariant);
    if (breakage) await waitFor(hasFound, `a violation of ${breakage.invariant}`).catch(() => undefined);
    return await find();
  } finally {
    repair();
  }
}

describe("what the checkers find in the running product", () => {
  let im: Im;
  before(async () => void (im = await startIm()));
  after(() => im.stop());

  it("is nothing as long as it works", async () => {
    assert.deepEqual(await liveBroken(im, null), []);
  });

  for (const breakage of [...breakages, ...breakagesOverTime]) {
    it(`is a violation of ${breakage.invariant} when ${breakage.what}`, async () => {
      const found = await liveBroken(im, breakage);
      const names = found.map(({ invariant }) => invariant);
      assert.ok(names.includes(breakage.invariant), JSON.stringify(found));
    });
  }
});
