import assert from "node:assert/strict";
import { PERSISTER_GROUP } from "../../mixins/message-log/port.ts";
import { picturingDevice, type Device } from "../chaos/device.ts";
import { readPages } from "../chaos/read-pages.ts";
import { assertHolds } from "../chaos/checkers/index.ts";
import { keep, type Kept, type Picture } from "../chaos/picture.ts";
import { readerOfPorts } from "../chaos/pipeline.ts";
import { readStored, type FinalState, type ReadHistory, type ReadList, type StoredMember } from "../chaos/final-state.ts";
import { History } from "../chaos/history.ts";
import { connectionsOf } from "../support/connections.ts";
import { befriend, buildGroup, PASSWORD, type Im } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { waitFor } from "../support/wait.ts";

export interface Shape {
  /** 2 to 4. */
  readonly people: number;
  readonly historyVisible: boolean;
}
export type PersonDevice = Device<Picture>;
export interface Person {
  readonly index: number;
  readonly userId: string;
  readonly devices: readonly [PersonDevice, PersonDevice];
}
export interface WorldConversation {
  readonly conversationId: string;
  /** Indexes of those who take part from the beginning. */
  readonly members: readonly number[];
}

/** A few friends, each on two devices; direct conversations 0-1 and 1-2, and an open group of all that 0 owns. */
export interface World extends AsyncDisposable {
  readonly im: Im;
  readonly history: History;
  readonly people: readonly Person[];
  readonly groupId: string;
  readonly conversations: readonly WorldConversation[];
  /** Resolves when nothing that a device has sent is on its way, be it that the device is gone and never heard of it. */
  sent(): Promise<void>;
  /** Resolves when, moreover, all that follows from it has been handled. */
  quiet(): Promise<void>;
}

let worlds = 0;

export async function buildWorld(im: Im, { people: count, historyVisible }: Shape): Promise<World> {
  const history = new History();
  const name = `w${process.pid}_${++worlds}`;
  const people = await Promise.all(Array.from({ length: count }, (_, index) => buildPerson(im, history, name, index)));
  const conversations: WorldConversation[] = [];
  for (const [a, b] of people.slice(0, 2).map((_, i) => [i, i + 1] as const)) {
    const [one, other] = [people[a], people[b]];
    if (one && other) conversations.push({ conversationId: await befriend(im, one, other), members: [a, b] });
  }
  for (const { userId, index } of people.slice(2)) if (index > 1) await befriend(im, people[0]!, { userId });
  const [owner, ...others] = people;
  const group = await buildGroup(im, owner!, others, { joinMode: "open", historyVisible });
  conversations.push({ conversationId: group.conversationId, members: people.map(({ index }) => index) });
  const sends = countSends(im);
  const world: World = {
    im,
    history,
    people,
    groupId: group.groupId,
    conversations,
    sent: async () => {
      // The server has taken all that came over a connection when it knows that it is closed.
      for (const person of people) await waitFor(() => areGone(im, person), `the lost connections of ${person.userId}`);
      await waitFor(() => sends.open === 0, "the answers to all sends");
    },
    quiet: async () => {
      await world.sent();
      await im.settled();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(devicesOf(people).map((device) => device.disconnect()));
      sends.stop();
    },
  };
  await Promise.all(people.flatMap((person) => person.devices.map((device) => connect(world, person, device))));
  return world;
}

/** Counts messages whose senders, or their cursors, still wait. */
function countSends({ broker }: Im): { readonly open: number; stop(): void } {
  let open = 0;
  const counted = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    open++;
    return proceed().finally(() => open--);
  };
  const restore = (["message.send", "conversation.sent"] as const).map((action) => intercept(broker, action, counted));
  return {
    get open() {
      return open;
    },
    stop() {
      for (const one of restore.toReversed()) one();
    },
  };
}

const areGone = async (im: Im, { userId, devices }: Person): Promise<boolean> =>
  (await connectionsOf(im, { userId })) === devices.filter(({ isConnected }) => isConnected).length;

async function buildPerson(im: Im, history: History, world: string, index: number): Promise<Person> {
  const username = `${world}_${index}`;
  const { user } = await im.node.call("user.register", { username, password: PASSWORD });
  const device = async (n: number): Promise<PersonDevice> => {
    const deviceId = `${username}-${n}`;
    const { accessToken } = await im.node.call("auth.login", { username, password: PASSWORD, deviceId });
    return picturingDevice({ history, urls: [im.url], userId: user.userId, token: accessToken, name: deviceId });
  };
  return { index, userId: user.userId, devices: [await device(0), await device(1)] };
}

const devicesOf = (people: readonly Person[]): PersonDevice[] => people.flatMap(({ devices }) => devices);

/** Connects a device unless it is; it reads what its user takes part in, be it no longer. */
export async function connect({ conversations }: World, { index }: Person, device: PersonDevice): Promise<void> {
  if (device.isConnected) return;
  await device.connect(
    conversations.filter(({ members }) => members.includes(index)).map(({ conversationId }) => conversationId),
  );
}

/** Waits until nothing is on its way, then checks the invariants, and each connected device's picture against the server. */
export async function assertConverges(world: World): Promise<void> {
  await world.quiet();
  await waitFor(() => isPersisted(world.im), "all messages in the database");
  const state = await readFinalState(world);
  assertHolds(world.history, state);
  await Promise.all(
    world.people.flatMap((person) =>
      person.devices.filter(({ isConnected }) => isConnected).map((device) => assertShows(world, person, device, state)),
    ),
  );
}

async function assertShows(
  { history, conversations }: World,
  { index }: Person,
  device: PersonDevice,
  state: FinalState,
): Promise<void> {
  for (const { conversationId, members } of conversations) {
    if (!members.includes(index)) continue;
    const { items = [] } = historyOf(state, device.userId, conversationId) ?? {};
    const kept = items.flatMap((item) => ("messageId" in item ? [keep(item)] : []));
    const view = viewOf(history, state, device, conversationId);
    const shows = async (): Promise<boolean> => {
      await device.view.idle();
      return isSame(view(device.view.of(conversationId)), view(kept));
    };
    await waitFor(shows, `${device.name} showing all of ${conversationId}`, SHOW_TIMEOUT_MS).catch(() =>
      assert.deepEqual(view(device.view.of(conversationId)), view(kept), `what ${device.name} shows of ${conversationId}`),
    );
  }
}

const SHOW_TIMEOUT_MS = 10_000;
const all = (kept: readonly Kept[]): unknown => kept;
const idsOf = (kept: readonly Kept[]): unknown => kept.map(({ seq, messageId }) => [seq, messageId]);
const idsToTheLeaving = (kept: readonly Kept[]): unknown => {
  const isLeaving = ["member.left", "member.removed"].includes(String(kept.at(-1)?.content["event"]));
  return idsOf(kept.slice(0, isLeaving ? -1 : undefined));
};

/**
 * What a device must show of a conversation. Who has left is not told what becomes of the messages they saw; and who connects
 * again at that very moment hears nothing more of the conversation, not even that they have left.
 */
function viewOf(
  history: History,
  state: FinalState,
  device: PersonDevice,
  conversationId: string,
): (kept: readonly Kept[]) => unknown {
  if (!hasLeft(state, device.userId, conversationId)) return all;
  const { name, connection } = device;
  const hasHeard = history.observations.some(
    (seen) => seen.connection === connection && seen.event === "message:new" && seen.payload["conversationId"] === conversationId,
  );
  return connection === `${name}#1` || hasHeard ? idsOf : idsToTheLeaving;
}

const hasLeft = ({ members }: FinalState, userId: string, conversationId: string): boolean =>
  members.some((one) => one.userId === userId && one.conversationId === conversationId && one.maxSeq !== null);
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const historyOf = ({ histories }: FinalState, userId: string, conversationId: string): ReadHistory | undefined =>
  histories.find((one) => one.userId === userId && one.conversationId === conversationId);

/** SQL, histories, lists and the pipeline of one moment when nothing is on its way: read again as long as SQL changed meanwhile. */
export async function readFinalState(world: World): Promise<FinalState> {
  await world.sent();
  const conversationIds = world.conversations.map(({ conversationId }) => conversationId);
  for (;;) {
    const before = await readStored(world.im.sql, conversationIds);
    const [histories, lists, members] = await Promise.all([
      readHistories(world),
      readLists(world),
      Promise.all(before.members.map((member) => withCursor(world, member))),
    ]);
    const pipeline = await readerOfPorts(world.im).read(before.messages);
    if (!isSame(before, await readStored(world.im.sql, conversationIds))) continue;
    return { ...before, members, histories, lists, followed: [], pipeline };
  }
}

const isPersisted = async ({ hot, log }: Im): Promise<boolean> =>
  (await hot.conversations.pendingStats()).count === 0 && (await log.lag(PERSISTER_GROUP)) === 0;

/** A sender's cursor shows at once and is written a little later. */
async function withCursor({ im }: World, member: StoredMember): Promise<StoredMember> {
  const { userId, conversationId } = member;
  const { readSeq } = await im.node.call("conversation.access", { userId, conversationId });
  return { ...member, readSeq };
}

function readHistories({ people, conversations }: World): Promise<ReadHistory[]> {
  return Promise.all(
    people.flatMap(({ index, userId, devices }) =>
      conversations
        .filter(({ members }) => members.includes(index))
        .map(async ({ conversationId }) => {
          const { pages } = await readPages(devices[0].rest, conversationId, "up", 100);
          return { userId, conversationId, items: pages.flatMap(({ items }) => items) };
        }),
    ),
  );
}

/** As every device gets them whose session goes on. */
async function readLists({ people, history }: World): Promise<ReadList[]> {
  const ended = new Set(history.of("endSession").flatMap(({ devices }) => devices));
  const devices = devicesOf(people).filter(({ name }) => !ended.has(name));
  return Promise.all(
    devices.map(async (device) => {
      const { data } = await device.list();
      return { userId: device.userId, device: device.name, conversations: data ?? [] };
    }),
  );
}
