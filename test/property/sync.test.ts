import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readPages } from "../chaos/read-pages.ts";
import { keep, type Kept } from "../chaos/picture.ts";
import { startIm, type Im } from "../support/im.ts";
import { onCluster } from "../support/on-cluster.ts";
import { SyncClient, type SyncAnswer } from "../support/sync-client.ts";
import { waitFor } from "../support/wait.ts";
import { forAll } from "./for-all.ts";
import { clientOperation, shape, type ClientOperation } from "./operations.ts";
import { act, Words } from "./perform.ts";
import { buildWorld, type Person, type World } from "./world.ts";

const RUNS = 60;
const TIME_LIMIT_MS = 20_000;
const SHOW_TIMEOUT_MS = 10_000;

/** A device that is seldom there: it knows what it synced, and hears nothing between. */
interface Syncing {
  readonly op: "sync";
  readonly who: number;
  readonly limit: number;
}
type Step = ClientOperation | Syncing;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: clientOperation },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("sync" as const), who: fc.nat({ max: 11 }), limit: fc.integer({ min: 1, max: 3 }) }),
  },
);

/** Of each person the devices that sync, one from the beginning and one that comes at the end. */
class Absent {
  readonly person: Person;
  readonly client: SyncClient;

  constructor(person: Person) {
    this.person = person;
    this.client = new SyncClient(async (request) => {
      const answer = await person.devices[0].rest.post<SyncAnswer>("/sync", request);
      assert.equal(answer.code, 0, JSON.stringify(answer));
      return answer.data;
    });
  }

  /** What it has of a conversation, and what the server shows from where it begins. */
  async pictures(conversationId: string): Promise<{ mine: Kept[]; theirs: Kept[] }> {
    const { pages } = await readPages(this.person.devices[0].rest, conversationId, "up", 100);
    const items = this.client.items(conversationId);
    const from = items[0]?.seq ?? Infinity;
    const keptOf = (all: typeof items): Kept[] => all.flatMap((item) => ("messageId" in item ? [keep(item)] : []));
    const shown = pages.flatMap((page) => page.items).filter(({ seq }) => seq >= from);
    return { mine: keptOf(items), theirs: keptOf(shown) };
  }
}

async function assertUpToDate({ conversations }: World, absent: Absent): Promise<void> {
  const { person, client } = absent;
  for (const { conversationId, members } of conversations) {
    if (!members.includes(person.index)) continue;
    const isUpToDate = async (): Promise<boolean> => {
      await client.sync();
      const { mine, theirs } = await absent.pictures(conversationId);
      return JSON.stringify(mine) === JSON.stringify(theirs);
    };
    await waitFor(isUpToDate, "the picture of the server", SHOW_TIMEOUT_MS).catch(async () => {
      const { mine, theirs } = await absent.pictures(conversationId);
      assert.deepEqual(mine, theirs, `what a device of ${person.index} has of ${conversationId} after its sync`);
    });
  }
}

/** The list as the device has it from its syncs, but for what changes of messages change in it. */
async function assertSameLists({ person, client }: Absent): Promise<void> {
  const { data } = await person.devices[0].list();
  for (const shown of data ?? []) {
    const { conversation } = client.kept.get(shown.conversationId)!;
    const { maxSeq, readSeq, unread } = shown as { maxSeq: number; readSeq: number; unread: number };
    assert.deepEqual(
      [conversation.maxSeq, conversation.readSeq],
      [maxSeq, readSeq],
      `${shown.conversationId} of ${person.index}`,
    );
    assert.ok(unread >= 0);
  }
}

/** Cursors of senders are written a little later, and are new once more. */
async function hasNothingNew({ client }: Absent): Promise<boolean> {
  const before = client.version;
  const pages = await client.sync();
  const isEmpty = pages.every((page) => [page.conversations, page.changes, page.removed].every(({ length }) => length === 0));
  return isEmpty && client.version === before;
}

async function liveAndSync(
  im: Im,
  given: { shape: { people: number; historyVisible: boolean }; scripts: Step[][] },
): Promise<void> {
  await using world = await buildWorld(im, given.shape);
  const words = new Words();
  const absents = world.people.map((person) => new Absent(person));
  const live = async (steps: readonly Step[]): Promise<void> => {
    for (const one of steps) {
      if (one.op === "sync") await absents[one.who % absents.length]!.client.sync({ limit: one.limit });
      else await act(world, one, words);
    }
  };
  // One device's syncs come one after the other.
  const syncsApart = given.scripts.map((steps, i) =>
    steps.map((one) => (one.op === "sync" ? { ...one, who: i % world.people.length } : one)),
  );
  await Promise.all(syncsApart.slice(0, world.people.length).map(live));
  await world.quiet();
  const latecomers = world.people.map((person) => new Absent(person));
  for (const absent of [...absents, ...latecomers]) {
    await assertUpToDate(world, absent);
    await assertSameLists(absent);
    await waitFor(() => hasNothingNew(absent), "nothing to be new", SHOW_TIMEOUT_MS);
  }
}

function assertUpToDateAlways(im: Im, runs: number): Promise<void> {
  const scripts = fc.array(fc.array(step, { maxLength: 20, size: "max" }), { minLength: 2, maxLength: 4, size: "max" });
  return forAll(fc.record({ shape, scripts }), { runs, timeLimitMs: TIME_LIMIT_MS }, (given) => liveAndSync(im, given));
}

it("devices that sync now and then end with the picture of the server", { timeout: 180_000 }, async () => {
  await using im = await startIm();
  await assertUpToDateAlways(im, RUNS);
});

const cluster = await onCluster();

describe("on the servers of a cluster", { skip: cluster.skip }, () => {
  it("devices that sync now and then end with the picture of the server", { timeout: 240_000 }, async () => {
    await using im = await cluster.start();
    await assertUpToDateAlways(im, RUNS / 5);
  });
});
