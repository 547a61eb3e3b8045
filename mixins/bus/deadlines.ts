import { Errors, type Context, type Middleware, type Service, type ServiceBroker } from "moleculer";
import { TransitDelay } from "../../lib/transit-delay.ts";

/** What every packet between nodes carries besides Moleculer's own fields. */
interface Stamped {
  readonly sender: string;
  /** ms of the sender's monotonic clock, and which start of it that is. */
  sentAt?: number;
  sentBy?: string;
}
interface Request extends Stamped {
  readonly id: string;
  readonly action: string;
  readonly meta: Record<string, unknown>;
  /** What was left of the caller's time when it called, in ms. */
  timeout?: number | null;
}
interface Packet {
  readonly payload: Stamped;
}
type Publish = (packet: Packet) => Promise<unknown>;
type Receive = (command: string, packet: Packet) => Promise<unknown>;

/**
 * Gives up calls to other nodes that get no answer in time, and refuses calls whose callers have given up, before they do
 * anything: those that were held up between the nodes (a frozen NATS delivers what it had when it goes on) and those that waited
 * here for their turn. The time that a call was on its way is taken off what its own calls may take. Clocks of nodes need not
 * agree; so what the quickest packet of late took (`TransitDelay`) is not counted, and a call that is late by less is done.
 */
export function keepDeadlines(): Middleware {
  const delays = new TransitDelay();
  let broker: ServiceBroker;
  let instance = "";

  const publish = (next: Publish): Publish => {
    return (packet) => {
      Object.assign(packet.payload, { sentAt: performance.now(), sentBy: instance });
      return next(packet);
    };
  };
  const receive = (next: Receive): Receive => {
    return async (command, packet) => {
      const late = lateness(delays, packet.payload);
      if (command !== "REQ" || late === 0) return next(command, packet);
      const request = packet.payload as Request;
      if (!request.timeout) return next(command, packet);
      request.timeout -= late;
      if (request.timeout > 0) return next(command, packet);
      return refuse(broker, request, late);
    };
  };
  return {
    name: "deadlines",
    created(ofNode) {
      broker = ofNode;
      instance = ofNode.instanceID.slice(0, 8);
    },
    // Moleculer's declarations name what the wrapped functions return where they mean the functions.
    transitPublish: publish as unknown as NonNullable<Middleware["transitPublish"]>,
    transitMessageHandler: receive as unknown as NonNullable<Middleware["transitMessageHandler"]>,
    // Moleculer's own time-out stands outside of its circuit breaker, which so never hears of calls that were lost.
    remoteAction(next, { name = "" }) {
      return function (this: Service, ctx: Context): unknown {
        const calling = next.call(this, ctx) as Promise<unknown>;
        const { timeout } = ctx.options;
        return timeout ? inTime(calling, timeout, { action: name, nodeID: ctx.nodeID }) : calling;
      };
    },
    // The first to wrap an action is the last to be asked: after the bulkhead's queue.
    localAction(next, { name = "" }) {
      return function (this: Service, ctx: Context): unknown {
        if (!isOver(ctx)) return next.call(this, ctx);
        return Promise.reject(new Errors.RequestSkippedError({ action: name, nodeID: ctx.broker.nodeID }));
      };
    },
  };
}

async function inTime(
  calling: Promise<unknown>,
  timeout: number,
  of: { action: string; nodeID: string | null },
): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Errors.RequestTimeoutError(of)), timeout);
  try {
    return await Promise.race([calling, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function lateness(delays: TransitDelay, { sender, sentAt, sentBy }: Stamped): number {
  return sentAt === undefined || sentBy === undefined ? 0 : delays.note(sender, sentBy, sentAt, performance.now());
}

function isOver(ctx: Context): boolean {
  const { timeout } = ctx.options;
  const { startHrTime } = ctx as { startHrTime?: [number, number] | null };
  if (!timeout || !startHrTime) return false;
  const [seconds, nanoseconds] = process.hrtime(startHrTime);
  return seconds * 1e3 + nanoseconds / 1e6 >= timeout;
}

async function refuse(broker: ServiceBroker, { sender, id, action, meta }: Request, late: number): Promise<boolean> {
  broker.getLogger("bus").debug("A call came after its caller had given up", { action, from: sender, lateMs: Math.round(late) });
  const error = new Errors.RequestSkippedError({ action, nodeID: broker.nodeID });
  await broker.transit?.sendResponse(sender, id, meta, {}, null as unknown as Record<string, never>, error);
  return true;
}
