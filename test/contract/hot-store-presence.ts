import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import type { HotConnection, HotPresence } from "../../mixins/hot-store/port.ts";

export interface PresenceHarness {
  readonly presence: HotPresence;
  close(): Promise<void>;
}

const NOW = 1_800_000_000_000;
const MAX = 5;

const buildConnection = (userId: string, overrides: Partial<HotConnection> = {}): HotConnection => ({
  connectionId: randomUUID(),
  userId,
  sessionId: "s",
  deviceId: "d",
  deviceType: "web",
  gatewayNodeId: "n1",
  ...overrides,
});

/** Every promise of `HotPresence`, for one implementation. */
export function hotPresenceContract(name: string, open: () => Promise<PresenceHarness>): void {
  const using = (work: (presence: HotPresence, userId: string) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness.presence, randomUUID()).finally(() => harness.close());
  };
  const stateOf = async (presence: HotPresence, userId: string, now: number) => {
    const state = (await presence.of([userId], now)).get(userId);
    assert.ok(state);
    return state;
  };

  describe(`hot presence on ${name}`, () => {
    it(
      "says first at the first connection and last at the last",
      using(async (presence, userId) => {
        const [one, two] = [buildConnection(userId), buildConnection(userId)];
        assert.deepEqual(await presence.connect(one, MAX, NOW), { accepted: true, first: true });
        assert.deepEqual(await presence.connect(two, MAX, NOW), { accepted: true, first: false });
        assert.deepEqual(await presence.disconnect(userId, one.connectionId, NOW), { last: false });
        assert.deepEqual(await presence.disconnect(userId, two.connectionId, NOW), { last: true });
        assert.deepEqual(await presence.disconnect(userId, two.connectionId, NOW), { last: false });
      }),
    );

    it(
      "answers the same connection again as at first",
      using(async (presence, userId) => {
        const connection = buildConnection(userId);
        for (let i = 0; i < 2; i++) assert.deepEqual(await presence.connect(connection, 1, NOW), { accepted: true, first: true });
        assert.equal((await stateOf(presence, userId, NOW)).connections.length, 1);
      }),
    );

    it(
      "refuses a connection beyond the maximum, and takes one when another has gone",
      using(async (presence, userId) => {
        const connections = Array.from({ length: MAX }, () => buildConnection(userId));
        for (const connection of connections) assert.equal((await presence.connect(connection, MAX, NOW)).accepted, true);
        const next = buildConnection(userId);
        assert.deepEqual(await presence.connect(next, MAX, NOW), { accepted: false, first: false });
        assert.equal((await stateOf(presence, userId, NOW)).connections.length, MAX);
        await presence.disconnect(userId, connections[0]!.connectionId, NOW);
        assert.equal((await presence.connect(next, MAX, NOW)).accepted, true);
      }),
    );

    it(
      "shows a user's connections and when they were last known to live",
      using(async (presence, userId) => {
        const connection = buildConnection(userId, { deviceType: "ios", gatewayNodeId: "n2" });
        await presence.connect(connection, MAX, NOW);
        await presence.heartbeat("n2", [connection], NOW + 10);
        const state = await stateOf(presence, userId, NOW + 20);
        const connections = [{ ...connection, heartbeatAt: NOW + 10 }];
        assert.deepEqual(state, { online: true, isShown: false, lastSeenAt: NOW + 10, connections });
      }),
    );

    it(
      "counts a connection without heartbeat as gone",
      using(async (presence, userId) => {
        const [quiet, alive] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(quiet, 2, NOW);
        await presence.connect(alive, 2, NOW);
        await presence.heartbeat("n1", [alive], NOW + PRESENCE_TTL_MS - 1);
        const later = NOW + PRESENCE_TTL_MS;
        assert.deepEqual(
          (await stateOf(presence, userId, later)).connections.map(({ connectionId }) => connectionId),
          [alive.connectionId],
        );
        assert.deepEqual(await presence.connect(buildConnection(userId), 2, later), { accepted: true, first: false });
      }),
    );

    it(
      "is offline when all heartbeats stopped, last seen at the newest of them",
      using(async (presence, userId) => {
        const connection = buildConnection(userId);
        await presence.connect(connection, MAX, NOW);
        await presence.heartbeat("n1", [connection], NOW + 5);
        const later = NOW + 5 + PRESENCE_TTL_MS;
        assert.deepEqual(await stateOf(presence, userId, later), {
          online: false,
          isShown: false,
          lastSeenAt: NOW + 5,
          connections: [],
        });
        assert.deepEqual(await presence.connect(buildConnection(userId), MAX, later), { accepted: true, first: true });
      }),
    );

    it(
      "is last seen when the last connection closed, though others had stopped without a word",
      using(async (presence, userId) => {
        const [quiet, alive] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(quiet, MAX, NOW);
        await presence.connect(alive, MAX, NOW + PRESENCE_TTL_MS);
        const later = NOW + PRESENCE_TTL_MS + 10;
        assert.deepEqual(await presence.disconnect(userId, alive.connectionId, later), { last: true });
        assert.deepEqual(await stateOf(presence, userId, later), {
          online: false,
          isShown: false,
          lastSeenAt: later,
          connections: [],
        });
      }),
    );

    it(
      "takes heartbeats only for connections of that gateway",
      using(async (presence, userId) => {
        const connection = buildConnection(userId, { gatewayNodeId: "n1" });
        await presence.connect(connection, MAX, NOW);
        await presence.heartbeat("n2", [connection, { userId, connectionId: "unknown" }], NOW + 10);
        assert.equal((await stateOf(presence, userId, NOW + 20)).lastSeenAt, NOW);
      }),
    );

    it(
      "answers for everyone it is asked about",
      using(async (presence, userId) => {
        const stranger = randomUUID();
        await presence.connect(buildConnection(userId), MAX, NOW);
        const states = await presence.of([userId, stranger], NOW);
        assert.equal(states.get(userId)?.online, true);
        assert.deepEqual(states.get(stranger), { online: false, isShown: false, lastSeenAt: null, connections: [] });
      }),
    );

    it(
      "does not take a connection that was disconnected before, so that what comes late changes nothing",
      using(async (presence, userId) => {
        const [connection, early] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(connection, MAX, NOW);
        await presence.disconnect(userId, connection.connectionId, NOW);
        await presence.disconnect(userId, early.connectionId, NOW);
        for (const late of [connection, early])
          assert.deepEqual(await presence.connect(late, MAX, NOW + 10), { accepted: false, first: false });
        assert.deepEqual(await presence.heartbeat("n1", [connection, early], NOW + 20), []);
        assert.equal((await stateOf(presence, userId, NOW + 20)).online, false);
      }),
    );

    it(
      "names the connections of a heartbeat that it does not have, which can be connected again",
      using(async (presence, userId) => {
        const [known, lost] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(known, MAX, NOW);
        assert.deepEqual(await presence.heartbeat("n1", [known, lost], NOW + 10), [lost]);
        assert.deepEqual(await presence.heartbeat("n2", [known], NOW + 10), []);
        assert.deepEqual(await presence.connect(lost, MAX, NOW + 10), { accepted: true, first: false });
        assert.deepEqual(await presence.heartbeat("n1", [known, lost], NOW + 20), []);
      }),
    );

    it(
      "lets one caller tell of an arrival, and one of the departure after it",
      using(async (presence, userId) => {
        const connection = buildConnection(userId);
        const arrivals = () => Promise.all([1, 2, 3].map(() => presence.takeArrival(userId, NOW)));
        assert.deepEqual(await arrivals(), [false, false, false]);
        const isShown = async (): Promise<boolean> => (await stateOf(presence, userId, NOW)).isShown;
        await presence.connect(connection, MAX, NOW);
        assert.equal(await presence.takeDeparture(userId, NOW), false);
        assert.equal(await isShown(), false);
        assert.equal((await arrivals()).filter(Boolean).length, 1);
        await presence.disconnect(userId, connection.connectionId, NOW);
        assert.equal(await isShown(), true);
        const departures = await Promise.all([1, 2, 3].map(() => presence.takeDeparture(userId, NOW)));
        assert.equal(departures.filter(Boolean).length, 1);
        assert.equal(await isShown(), false);
        assert.equal(await presence.takeArrival(userId, NOW), false);
      }),
    );

    it(
      "lets nobody tell of one who is back before the departure was taken, nor of one who left before the arrival was",
      using(async (presence, userId) => {
        const [first, second] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(first, MAX, NOW);
        await presence.takeArrival(userId, NOW);
        await presence.disconnect(userId, first.connectionId, NOW);
        await presence.connect(second, MAX, NOW);
        assert.equal(await presence.takeDeparture(userId, NOW), false);
        assert.equal(await presence.takeArrival(userId, NOW), false);
        assert.deepEqual(await presence.departed(NOW, 10), []);

        const [brief, other] = [buildConnection(`${userId}-2`), `${userId}-2`];
        await presence.connect(brief, MAX, NOW);
        await presence.disconnect(other, brief.connectionId, NOW);
        assert.equal(await presence.takeArrival(other, NOW), false);
        assert.equal(await presence.takeDeparture(other, NOW), false);
      }),
    );

    it(
      "names those who left, with a word or without, until their departure is taken",
      using(async (presence, userId) => {
        const [polite, silent, here] = ["a", "b", "c"].map((name) => `${userId}-${name}`) as [string, string, string];
        const connections = [polite, silent, here].map((id) => buildConnection(id));
        for (const connection of connections) {
          await presence.connect(connection, MAX, NOW);
          await presence.takeArrival(connection.userId, NOW);
        }
        await presence.disconnect(polite, connections[0]!.connectionId, NOW + 10);
        assert.deepEqual(await presence.departed(NOW + 9, 10), []);
        assert.deepEqual(await presence.departed(NOW + 10, 10), [polite]);
        await presence.heartbeat("n1", [connections[2]!], NOW + 10);
        const later = NOW + PRESENCE_TTL_MS;
        assert.deepEqual((await presence.departed(later, 10)).toSorted(), [polite, silent]);
        assert.equal((await presence.departed(later, 1)).length, 1);
        for (const gone of [polite, silent]) assert.equal(await presence.takeDeparture(gone, later), true);
        assert.deepEqual(await presence.departed(later, 10), []);
        assert.equal(await presence.takeDeparture(here, later), false);
      }),
    );

    it(
      "waits with a user's departure for the last of the connections",
      using(async (presence, userId) => {
        const [first, second] = [buildConnection(userId), buildConnection(userId)];
        await presence.connect(first, MAX, NOW);
        await presence.connect(second, MAX, NOW + 100);
        await presence.takeArrival(userId, NOW + 100);
        await presence.disconnect(userId, second.connectionId, NOW + 200);
        await presence.heartbeat("n1", [first], NOW + 300);
        assert.deepEqual(await presence.departed(NOW + 300 + PRESENCE_TTL_MS - 1, 10), []);
        assert.deepEqual(await presence.departed(NOW + 300 + PRESENCE_TTL_MS, 10), [userId]);
      }),
    );
  });
}
