import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SyncDevice, type Pull } from "../../bench/sync-device.ts";

type Body = Parameters<Pull>[0];
type Answer = Awaited<ReturnType<Pull>>;
type Messages = Answer["messages"];

const CHAT = "d_1_2";
const GROUP = "g_3";

const item = (seq: number): Messages[string]["items"][number] => ({ seq, toSeq: seq, type: "void" });
const page = (from: number, to: number, { more = false, maxSeq = to } = {}): Messages[string] => ({
  items: Array.from({ length: to - from + 1 }, (_, i) => item(from + i)),
  more,
  minSeq: 1,
  maxSeq,
});
const answer = (messages: Messages, rest: Partial<Answer> = {}): Answer => ({
  ...{ version: "v", conversations: [], changes: [], friendsVersion: "0", groupsVersion: "0", removed: [] },
  ...{ messages, reset: false, nextCursor: null, ...rest },
});

/** Answers one after the other; `asked` holds what it was asked. */
function server(...answers: readonly (Answer | Error)[]): { pull: Pull; asked: Body[] } {
  const asked: Body[] = [];
  const pull: Pull = (body) => {
    const next = answers[asked.length] ?? new Error("asked too often");
    asked.push(structuredClone(body));
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { pull, asked };
}

describe("a device that syncs", () => {
  it("goes on behind the last item while there is more, and only then stands at the end", async () => {
    const device = new SyncDevice({ marks: { [CHAT]: 2 }, version: "v0" });
    const { pull, asked } = server(
      answer({ [CHAT]: page(3, 52, { more: true, maxSeq: 62 }) }, { version: "v1" }),
      answer({ [CHAT]: page(53, 62) }, { version: "v2" }),
    );
    assert.deepEqual(await device.catchUp(pull), { syncs: 2, pages: 2, messages: 60, changes: 0 });
    assert.deepEqual(asked[1], { conversations: { [CHAT]: 52 }, version: "v1" });
    assert.deepEqual(device.place, { marks: { [CHAT]: 62 }, version: "v2" });
  });

  it("passes over a range without messages at the end of a page", async () => {
    const device = new SyncDevice({ marks: { [CHAT]: 2 }, version: "v0" });
    const gap = { items: [{ seq: 3, toSeq: 40, type: "void" as const }], more: true, minSeq: 1, maxSeq: 41 };
    const { pull, asked } = server(answer({ [CHAT]: gap }), answer({ [CHAT]: page(41, 41) }));
    await device.catchUp(pull);
    assert.deepEqual(asked[1]?.conversations, { [CHAT]: 40 });
  });

  it("stands at the end after the newest page, whatever is older", async () => {
    const device = new SyncDevice();
    const { pull, asked } = server(answer({ [GROUP]: page(81, 100, { more: true }) }));
    assert.equal((await device.catchUp(pull)).syncs, 1);
    assert.deepEqual(asked, [{ conversations: {} }]);
    assert.deepEqual(device.place.marks, { [GROUP]: 100 });
  });

  it("asks for each page of a sync with the marks that it began with", async () => {
    const device = new SyncDevice({ marks: { [CHAT]: 2, [GROUP]: 7 }, version: "v0" });
    const { pull, asked } = server(
      answer({ [CHAT]: page(3, 4) }, { nextCursor: "c1" }),
      answer({ [GROUP]: page(8, 9) }, { nextCursor: null }),
    );
    await device.catchUp(pull);
    const began = { conversations: { [CHAT]: 2, [GROUP]: 7 }, version: "v0" };
    assert.deepEqual(asked, [began, { ...began, cursor: "c1" }]);
  });

  it("stands where it stood when a sync is broken off", async () => {
    const place = { marks: { [CHAT]: 2 }, version: "v0" };
    const device = new SyncDevice(place);
    const { pull } = server(answer({ [CHAT]: page(3, 4) }, { version: "v1", nextCursor: "c1" }), new Error("cut"));
    await assert.rejects(device.catchUp(pull), /cut/);
    assert.deepEqual(device.place, place);
  });

  it("keeps what the syncs before the broken one brought", async () => {
    const device = new SyncDevice({ marks: { [CHAT]: 2 }, version: "v0" });
    const { pull } = server(answer({ [CHAT]: page(3, 52, { more: true, maxSeq: 62 }) }, { version: "v1" }), new Error("cut"));
    await assert.rejects(device.catchUp(pull), /cut/);
    assert.deepEqual(device.place, { marks: { [CHAT]: 52 }, version: "v1" });
  });

  it("begins anew when told to, and lets later pages add to it", async () => {
    const device = new SyncDevice({ marks: { [CHAT]: 2, d_8_9: 5 }, version: "v0" });
    const { pull } = server(
      answer({ [CHAT]: page(81, 100, { more: true }) }, { reset: true, nextCursor: "c1" }),
      answer({ [GROUP]: page(1, 3) }, { reset: true }),
    );
    await device.catchUp(pull);
    assert.deepEqual(device.place.marks, { [CHAT]: 100, [GROUP]: 3 });
  });
});
