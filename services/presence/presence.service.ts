/**
 * Presence (G1): which devices of a user are connected, through which gateway, and when the user was last seen. The hot store
 * keeps it; the time at which a user was last seen is told to auth too, which stores it with the session, so that it outlives
 * the hot store. Gateways report their connections, friends subscribe within each one's privacy.
 *
 * Watchers hear of the first connection at once and of the last one's end after a delay, unless the user came back: a page
 * that is loaded again makes no noise, nor do thousands whose gateway started again; who is told of in one moment goes in one
 * push. The hot store keeps what they were told, and one of all nodes takes each arrival and
 * departure, so that nobody is told twice and a node that dies is stood in for. What is pushed is a hint; subscribing again
 * gives the truth. Whoever ends a friendship or blocks someone is no longer watched by them, and who hides their presence by
 * nobody.
 */
import {
  PRESENCE_OFFLINE_DELAY_MS,
  PRESENCE_SWEEP_EVERY_MS,
  PRESENCE_TOLD_EVERY_MS,
  SESSION_SEEN_EVERY_MS,
} from "../../config/limits.ts";
import { isExpected } from "../../lib/errors.ts";
import { chunksOf } from "../../lib/page.ts";
import { broadcast, callerOf, defineService, type Calls } from "../../lib/service.ts";
import { Turns } from "../../lib/turns.ts";
import { DRAIN, onDrain } from "../../mixins/drain.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { announceArrivals, announceDepartures, announceTaken } from "./announce.ts";
import { Announcer } from "./announcer.ts";
import { connectDevice } from "./connect-device.ts";
import { createDepartures, type Departures } from "./departures.ts";
import type { PresenceDeps } from "./deps.ts";
import { createSeenTeller, type SeenTeller } from "./last-seen.ts";
import { restoreConnections } from "./restore.ts";
import { announceSilentDepartures } from "./silent-departures.ts";
import { enforcePrivacy, stopWatching } from "./stop-watching.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";

interface Vars extends HotStoreVars {
  departures: Departures;
  seen: SeenTeller;
  turns: Turns;
  announcer: Announcer;
  /** Arrivals that this node may be the one to tell of. */
  taking: Set<Promise<unknown>>;
  inTurn<T>(tell: (deps: PresenceDeps) => Promise<T>): Promise<T>;
  sweeper: NodeJS.Timeout;
  deps(calls: Calls): PresenceDeps;
}

interface Settings {
  readonly offlineDelayMs: number;
  readonly sweepEveryMs: number;
  readonly toldEveryMs: number;
}

/** What tells watchers takes turns, so that nobody who has just hidden is shown by what was read before. */
const TELLING = "watchers";
/** Users of a gateway that are told of in one push when they are back. */
const TOLD_AT_ONCE = 500;

export default defineService<"presence", Vars>()({
  name: "presence",
  settings: {
    offlineDelayMs: PRESENCE_OFFLINE_DELAY_MS,
    sweepEveryMs: PRESENCE_SWEEP_EVERY_MS,
    toldEveryMs: PRESENCE_TOLD_EVERY_MS,
  },
  mixins: [
    withHotStore(),
    withSubscriptions<Vars>({
      consumer: "presence",
      handlers: {
        async "im.friend.removed"({ payload: { userId, peerId } }) {
          const deps = this.deps(this.broker);
          await stopWatching(deps, [userId], peerId);
          await stopWatching(deps, [peerId], userId);
        },
        async "im.friend.block.changed"({ payload: { userId, peerId, blocked } }) {
          if (blocked) await stopWatching(this.deps(this.broker), [peerId], userId);
        },
        async "im.user.settings.changed"({ payload: { userId, changed } }) {
          if (changed.includes("showPresence")) await this.inTurn((deps) => enforcePrivacy(deps, userId));
        },
      },
    }),
  ],
  methods: {
    deps(calls: Calls): PresenceDeps {
      const { nodes } = this.broker.registry;
      return {
        presence: this.hot.presence,
        calls,
        hasGone: (nodeId) => nodes.get(nodeId)?.available === false,
        now: Date.now,
      };
    },
    /** All that tells watchers of this node goes through here, so that what is pushed last says what was read last. */
    inTurn<T>(tell: (deps: PresenceDeps) => Promise<T>): Promise<T> {
      return this.turns.run(TELLING, () => tell(this.deps(this.broker)));
    },
    openAnnouncer(): Announcer {
      return new Announcer({
        arrivals: (userIds) => this.inTurn((deps) => announceTaken(deps, userIds)),
        departures: (userIds) => this.inTurn((deps) => announceDepartures(deps, userIds)),
        everyMs: (this.settings as Settings).toldEveryMs,
        onLost: (userIds, error) => this.notTold(userIds.length, error),
      });
    },
    /** Taken at once, so that whoever sees the user online meanwhile hears of the departure in any case. */
    arrive(userId: string): void {
      const taking = this.hot.presence
        .takeArrival(userId, Date.now())
        .then(
          (isTaken) => isTaken && this.announcer.came(userId),
          (error: unknown) => this.notTold(1, error),
        )
        .finally(() => this.taking.delete(taking));
      this.taking.add(taking);
    },
    /** While the hot store or a neighbour is away, this happens to everyone who comes or goes. */
    notTold(count: number, error: unknown): void {
      this.logger[isExpected(error) ? "debug" : "warn"](`Nobody was told how ${count} users stand:`, error);
    },
    hint(userId: string, online: boolean): void {
      broadcast(this.broker, "presence.changed", { userId, online, at: Date.now() }).catch((error: unknown) =>
        this.logger.debug("A hint was lost:", error),
      );
    },
    sweep(): void {
      const upTo = Date.now() - (this.settings as Settings).offlineDelayMs;
      announceSilentDepartures(
        this.deps(this.broker),
        upTo,
        (userIds) => this.inTurn((deps) => announceDepartures(deps, userIds)),
        (userId) => this.hint(userId, false),
      ).catch((error: unknown) => this.logger.debug("Who left without a word is told of later:", error));
    },
  },
  actions: {
    async subscribe(ctx) {
      const { userId } = callerOf(ctx);
      return {
        items: await subscribe(this.deps(ctx), { userId, connectionId: ctx.meta.connectionId, userIds: ctx.params.userIds }),
      };
    },
    async unsubscribe(ctx) {
      const { userId } = callerOf(ctx);
      return {
        items: await unsubscribe(this.deps(ctx), { userId, connectionId: ctx.meta.connectionId, userIds: ctx.params.userIds }),
      };
    },
    async connected(ctx) {
      const { userId } = ctx.params;
      const { maxConnectionsPerUser } = configOf(this.broker);
      const { accepted, first } = await connectDevice(this.deps(ctx), ctx.params, maxConnectionsPerUser);
      if (first) {
        this.hint(userId, true);
        this.departures.cancel(userId);
        this.arrive(userId);
      }
      return { accepted };
    },
    async disconnected(ctx) {
      const { userId, sessionId, connectionId } = ctx.params;
      const now = Date.now();
      const { last } = await this.hot.presence.disconnect(userId, connectionId, now);
      if (last) {
        this.hint(userId, false);
        this.departures.add(userId);
        await this.seen.left(sessionId, now);
      }
      return null;
    },
    async heartbeat(ctx) {
      const { gatewayNodeId, connections } = ctx.params;
      const now = Date.now();
      const lost = await this.hot.presence.heartbeat(gatewayNodeId, connections, now);
      const back = await restoreConnections(this.deps(this.broker), gatewayNodeId, lost);
      for (const some of chunksOf(back, TOLD_AT_ONCE)) await this.inTurn((deps) => announceArrivals(deps, some));
      const sessionIds = connections.map(({ sessionId }) => sessionId);
      await this.seen.alive(sessionIds, now);
      return null;
    },
    async of(ctx) {
      const states = await this.hot.presence.of(ctx.params.userIds, Date.now());
      return ctx.params.userIds.map((userId) => ({
        userId,
        online: false,
        isShown: false,
        lastSeenAt: null,
        connections: [],
        ...states.get(userId),
      }));
    },
  },
  async started() {
    this.turns = new Turns();
    this.taking = new Set();
    this.announcer = this.openAnnouncer();
    this.seen = createSeenTeller(this.broker, SESSION_SEEN_EVERY_MS, (error) =>
      this.logger.debug("The time at which sessions were seen was not stored:", error),
    );
    const { offlineDelayMs, sweepEveryMs } = this.settings as Settings;
    this.departures = createDepartures(offlineDelayMs, (userId) => this.announcer.went(userId));
    this.sweeper = setInterval(() => this.sweep(), sweepEveryMs).unref();
    onDrain(this.broker, DRAIN.writes, async () => {
      await Promise.all(this.taking);
      await this.announcer.drain();
    });
  },
  async stopped() {
    clearInterval(this.sweeper);
    this.departures?.clear();
    this.announcer?.close();
  },
});
