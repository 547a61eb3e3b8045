/**
 * The Socket.IO gateway: lets connections in, turns their events into actions, pushes events to rooms.
 *
 * Rooms: `u:<userId>` all connections of a user, `s:<sessionId>` of a session, `c:<conversationId>` of a group's members,
 * `p:<userId>` of those who watch a user's presence. It owns no data; who is online is kept by presence.
 *
 * Each event is answered once. A push is a hint: who misses one reads the history. A session that ended is cut at once, and
 * within `SESSION_CHECK_EVERY_MS` when nobody told this gateway.
 *
 * A connection that reads too slowly gets no more pushes until it has caught up, and then `sync:needed`; far behind, it is cut.
 * Several gateways are joined by Redis, for pushes alone, which may be lost; `sync:needed` says so when they were. Who enters or
 * leaves a room is told to each gateway by a call that succeeds or fails, and read again by a gateway that was away.
 */
import { DEPARTURES_AT_ONCE, HEARTBEAT_EVERY_MS, MAX_CONNECTS_PER_MINUTE, SESSION_CHECK_EVERY_MS } from "../../config/limits.ts";
import type { Meta } from "../../contracts/meta.ts";
import { createAddressReader } from "../../lib/client-address.ts";
import { createLimiter, type Limiter } from "../../lib/concurrency.ts";
import { imError } from "../../lib/errors.ts";
import { nodesOf } from "../../lib/nodes-of.ts";
import { conversationRoom, presenceRoom, userRoom } from "../../lib/push.ts";
import { call, defineService, type Calls } from "../../lib/service.ts";
import { DRAIN, onDrain } from "../../mixins/drain.ts";
import { withHotStore, type HotStoreVars } from "../../mixins/hot-store/index.ts";
import { withHttp, type HttpVars } from "../../mixins/http/index.ts";
import { withMetrics, type MetricsVars } from "../../mixins/metrics/index.ts";
import { configOf } from "../../mixins/shared.ts";
import { tracingOf } from "../../mixins/tracing/index.ts";
import { Arrivals } from "./arrivals.ts";
import { admit, checkSessions, closeDevices, endExpired, endSessions, type AdmissionDeps } from "./admission.ts";
import { answerEvent, type EventDeps } from "./answer-event.ts";
import { closeGateway, deliver, openGateway } from "./gateway.ts";
import { OtherGateways } from "./other-gateways.ts";
import { PushGuard, pushGuardDefaults, type PushGuardSettings } from "./push-guard.ts";
import { openGatewayAdapter, type GatewayAdapter } from "./redis-adapter.ts";
import { RateGate } from "./rate-gate.ts";
import { callNodesOf } from "./send-order.ts";
import {
  correctRooms,
  enterRooms,
  moveRooms,
  moveRoomsEverywhere,
  moveRoomsOfOne,
  refreshRooms,
  type EverywhereDeps,
} from "./rooms.ts";
import { Staleness } from "./staleness.ts";
import type { Engine, ImServer, ImSocket } from "./types.ts";

interface Vars extends HotStoreVars, HttpVars, MetricsVars {
  io: ImServer;
  engine: Engine;
  unmount: () => void;
  timers: NodeJS.Timeout[];
  gate: RateGate;
  isDraining: boolean;
  staleness: Staleness;
  others: OtherGateways;
  /** Joins this gateway with the others; null when it is the only one. */
  adapter: GatewayAdapter | null;
  pushes: PushGuard;
  arrivals: Arrivals;
  departures: Limiter;
}
const SWEEP_EVERY_MS = 1_000;

export default defineService<"socket", Vars>()({
  name: "socket",
  settings: pushGuardDefaults,
  mixins: [withHttp(), withHotStore(), withMetrics()],
  methods: {
    connections(): ImSocket[] {
      return [...this.io.of("/").sockets.values()] as ImSocket[];
    },
    /** Runs a job again and again; a failure is logged and the next run goes on. */
    every(ms: number, job: () => Promise<void> | void): void {
      const run = async (): Promise<void> => {
        try {
          await job();
        } catch (error) {
          this.logger.warn("A periodic job of the gateway failed", error);
        }
      };
      this.timers.push(setInterval(() => void run(), ms).unref());
    },
    async sendHeartbeats(): Promise<void> {
      const connections = this.connections().map(({ id: connectionId, data: { identity } }) => {
        const { userId, sessionId, deviceId, deviceType } = identity;
        return { userId, sessionId, connectionId, deviceId, deviceType };
      });
      if (connections.length > 0)
        await call(this.broker, "presence.heartbeat", { gatewayNodeId: this.broker.nodeID, connections });
    },
    /** Joins its rooms at once; those of groups joined or left while it connected are put right afterwards. */
    enter(socket: ImSocket): void {
      const { userId } = socket.data.identity;
      const roomsOf = (): Promise<string[]> => call(this.broker, "conversation.roomsOf", { userId });
      enterRooms(socket)
        .then((rooms) => this.arrivals.serve(socket, () => correctRooms(socket, rooms, roomsOf)))
        .catch((error: unknown) => {
          if (!socket.connected) return;
          this.logger.warn("A connection could not enter its rooms", error);
          socket.disconnect(true);
        });
    },
    async leave(socket: ImSocket): Promise<void> {
      const { userId, sessionId } = socket.data.identity;
      await call(this.broker, "presence.disconnected", { userId, sessionId, connectionId: socket.id });
    },
    async renew(socket: ImSocket, token: string): Promise<null> {
      const identity = await call(this.broker, "auth.verify", { token });
      if (identity.sessionId !== socket.data.identity.sessionId) throw imError("DEVICE_MISMATCH");
      socket.data.identity = identity;
      return null;
    },
    admissionDeps(): AdmissionDeps {
      const { broker, gate, logger } = this;
      const { rateLimits, trustedProxies } = configOf(broker);
      const addressOf = createAddressReader(trustedProxies);
      return {
        verify: (token) => call(broker, "auth.verify", { token }),
        register: async ({ connectionId, identity: { userId, sessionId, deviceId, deviceType } }) =>
          (
            await call(broker, "presence.connected", {
              connectionId,
              userId,
              sessionId,
              deviceId,
              deviceType,
              gatewayNodeId: broker.nodeID,
            })
          ).accepted,
        unregister: async ({ connectionId, identity: { userId, sessionId } }) =>
          void (await call(broker, "presence.disconnected", { userId, sessionId, connectionId })),
        roomsOf: (userId) => call(broker, "conversation.roomsOf", { userId }),
        addressOf: ({ request }) => addressOf(request.socket.remoteAddress, request.headers["x-forwarded-for"]),
        inTurn: (socket, work) => this.arrivals.letIn(socket, work),
        waitFor: (address) => (rateLimits ? gate.check(address, "connect", MAX_CONNECTS_PER_MINUTE, Date.now()) : 0),
        logError: (message, fields) => logger.error(message, fields),
      };
    },
    eventDeps(): EventDeps {
      const { broker, gate, logger, metrics } = this;
      const { rateLimits } = configOf(broker);
      const tracing = tracingOf(broker);
      return {
        callAction: (action, params, options) =>
          this.isDraining
            ? Promise.reject(imError("UNAVAILABLE"))
            : tracing.span(`socket ${action}`, { role: "server" }, () => broker.call(action, params as object, options)),
        sync: (socket, work) => this.arrivals.serve(socket, work),
        sendNodes: callNodesOf(broker, "message.send"),
        renew: (socket, token) => this.renew(socket, token),
        waitFor: (userId, event, perMinute) => (rateLimits ? gate.check(userId, event, perMinute, Date.now()) : 0),
        count: (event) => metrics.increment("im_socket_events_total", 1, { event }),
        logError: (message, fields) => logger.error(message, fields),
      };
    },
    everywhere(calls: Calls): EverywhereDeps {
      const { broker, io } = this;
      return {
        io,
        others: () => nodesOf(broker, "socket").filter((nodeId) => nodeId !== broker.nodeID),
        moveOn: (nodeID, change) => call(calls, "socket.moveRooms", change, { nodeID }),
      };
    },
    /** Puts rooms right when this gateway may have missed changes of them; one that fails is tried again. */
    async refreshStale(): Promise<void> {
      if (!this.staleness.isDue(performance.now())) return;
      try {
        await refreshRooms(
          {
            roomsOf: (userId) => call(this.broker, "conversation.roomsOf", { userId }),
            watch: ({ id, data: { identity } }, userIds) => {
              const { userId, sessionId, deviceId } = identity;
              const meta: Meta = { caller: { userId, sessionId, deviceId }, connectionId: id };
              return call(this.broker, "presence.subscribe", { userIds }, { meta });
            },
          },
          this.connections(),
        );
      } catch (error) {
        this.staleness.suspect(performance.now());
        throw error;
      }
    },
    listen(): void {
      const { io, logger } = this;
      const admission = this.admissionDeps();
      const answering = this.eventDeps();
      io.use((socket, next) => {
        admit(admission, socket as ImSocket).then(() => next(), next);
      });
      io.on("connection", (connected) => {
        const socket = connected as ImSocket;
        this.enter(socket);
        socket.onAny((event: string, ...args: unknown[]) => void answerEvent(answering, socket, event, args));
        socket.on("disconnect", () => {
          this.departures
            .run(() => this.leave(socket))
            .catch((error: unknown) => logger.warn("Presence did not hear of a closed connection", error));
        });
      });
    },
  },
  actions: {
    status() {
      return { connections: this.connections().length };
    },
    deliver(ctx) {
      this.metrics.increment("im_deliveries_total", deliver(this.io, ctx.params.deliveries, !this.others.exist()));
      return null;
    },
    async join(ctx) {
      const { userIds, conversationId } = ctx.params;
      const change = { of: userIds.map(userRoom), rooms: [conversationRoom(conversationId)], enter: true };
      await moveRoomsEverywhere(this.everywhere(ctx), change);
      return null;
    },
    async leave(ctx) {
      const { userIds, conversationId } = ctx.params;
      const change = { of: userIds.map(userRoom), rooms: [conversationRoom(conversationId)], enter: false };
      await moveRoomsEverywhere(this.everywhere(ctx), change);
      return null;
    },
    async watch(ctx) {
      const { connectionId, userIds, on } = ctx.params;
      await moveRoomsOfOne(this.everywhere(ctx), { of: [connectionId], rooms: userIds.map(presenceRoom), enter: on });
      return null;
    },
    moveRooms(ctx) {
      return { moved: moveRooms(this.io, ctx.params) };
    },
    disconnect(ctx) {
      return { closed: closeDevices(this.connections(), ctx.params) };
    },
  },
  events: {
    "session.ended"(ctx) {
      endSessions(this.io, ctx.params.sessionIds, ctx.params.reason);
    },
    "pushes.missed"(ctx) {
      if (ctx.params.gatewayNodeId !== this.broker.nodeID) this.pushes.losses.toHere();
    },
  },
  created() {
    this.timers = [];
    this.arrivals = new Arrivals();
    this.departures = createLimiter({ concurrency: DEPARTURES_AT_ONCE });
    this.isDraining = false;
    this.adapter = null;
    this.staleness = new Staleness(SWEEP_EVERY_MS);
  },
  async started() {
    const { http, metrics } = this;
    const config = configOf(this.broker);
    this.pushes = new PushGuard({
      broker: this.broker,
      metrics,
      settings: this.settings as PushGuardSettings,
      sockets: () => this.connections(),
    });
    this.adapter = config.redisUrl === null ? null : openGatewayAdapter(config.redisUrl, this.logger, this.pushes.losses);
    const { io, engine } = openGateway(config, this.adapter && this.adapter.adapter, this.pushes.queues, this.arrivals);
    Object.assign(this, { io, engine, gate: new RateGate(this.hot.limits), others: new OtherGateways(this.broker) });
    this.listen();
    this.unmount = http.mount({
      path: "/socket.io",
      request: (req, res) => engine.handleRequest(req as Parameters<Engine["handleRequest"]>[0], res),
      upgrade: (req, socket, head) => engine.handleUpgrade(req as Parameters<Engine["handleUpgrade"]>[0], socket, head),
    });
    this.every(SESSION_CHECK_EVERY_MS, () => checkSessions(this.io, this.broker));
    this.every(HEARTBEAT_EVERY_MS, () => this.sendHeartbeats());
    this.every(SWEEP_EVERY_MS, () => {
      this.staleness.tick(performance.now());
      endExpired(io, Date.now());
      this.pushes.queues.settle();
      this.gate.sweep(Date.now());
    });
    this.every(SWEEP_EVERY_MS, () => this.refreshStale());
    this.broker.localBus.on("$transporter.connected", ({ wasReconnect }: { wasReconnect: boolean }) => {
      if (wasReconnect) this.staleness.suspect(performance.now());
    });
    metrics.gauge("im_connections", () => io.of("/").sockets.size);
    metrics.gauge("im_socket_queued_bytes", () => this.pushes.queues.bytes());
    onDrain(this.broker, DRAIN.intake, () => {
      this.isDraining = true; // or busy clients would keep the node from ever finishing its work
      this.unmount();
      return Promise.resolve();
    });
  },
  async stopped() {
    for (const timer of this.timers) clearInterval(timer);
    this.unmount?.();
    if (this.io) await closeGateway(this.io, this.engine);
    this.pushes?.close();
    this.adapter?.close();
    this.others?.close();
  },
});
