import { createShardedAdapter } from "@socket.io/redis-adapter";
import { Redis, type RedisOptions } from "ioredis";

/** A publish that Redis does not answer in this time is given up: clients learn of what they miss when they sync. */
const PUBLISH_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_PAUSE_MS = 2_000;
/** A subscription that answers no ping in this time is made anew. */
const PING_EVERY_MS = 3_000;
const CHANNEL_PREFIX = "im:push";

interface Logger {
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
}

/** What joins the gateways of a cluster: an event for a room reaches its members on all of them. */
export interface GatewayAdapter {
  readonly adapter: ReturnType<typeof createShardedAdapter>;
  close(): void;
}

/** Hears that pushes may have been lost up to now: those of the other gateways to this one, those of this one to the others. */
export interface LossWatch {
  toHere(): void;
  toOthers(): void;
}

/** Remembers that a push could not be published. */
class Publisher extends Redis {
  hasLost = false;

  override sendCommand(...args: Parameters<Redis["sendCommand"]>): unknown {
    const sent = super.sendCommand(...args);
    if (sent instanceof Promise && args[0].name === "spublish") sent.catch(() => (this.hasLost = true));
    return sent;
  }
}

/** The adapter never looks at what becomes of its subscriptions: those that were cut off are made again by the client. */
class Subscriber extends Redis {
  override sendCommand(...args: Parameters<Redis["sendCommand"]>): unknown {
    const sent = super.sendCommand(...args);
    if (sent instanceof Promise) sent.catch(() => undefined);
    return sent;
  }
}

/**
 * Gateways joined through Redis (7 or later), each room on a channel of its own that only gateways with members of it listen to.
 * Subscriptions are made again after an outage; what is pushed meanwhile reaches the members on the pushing gateway alone, and
 * `losses` hears of it as soon as pushes arrive again.
 * `dynamic-private`, since the mode `dynamic` takes every room of 20 characters for the id of a connection and sends its events
 * to all gateways: `u:` with a user id has 20.
 */
export function openGatewayAdapter(redisUrl: string, logger: Logger, losses?: LossWatch): GatewayAdapter {
  const common: RedisOptions = {
    retryStrategy: (times) => Math.min(50 * 2 ** times, MAX_RECONNECT_PAUSE_MS),
    connectTimeout: PUBLISH_TIMEOUT_MS,
  };
  const pub = new Publisher(redisUrl, {
    ...common,
    commandTimeout: PUBLISH_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true, // what is pushed in one turn is one write
    autoResendUnfulfilledCommands: false,
    connectionName: "im-push-pub",
  });
  const sub = new Subscriber(redisUrl, {
    ...common,
    maxRetriesPerRequest: null,
    // A subscription may be written before that check, which then fails on the connection of a subscriber, and both are lost.
    enableReadyCheck: false,
    connectionName: "im-push-sub",
  });
  tellOfOutages(sub, logger);
  pub.on("error", () => undefined); // the same outage
  sub.on("ready", () => void whenSubscribed(sub, () => losses?.toHere()));
  const watch = setInterval(() => {
    void renewWhenSilent(sub);
    if (pub.hasLost) void whenPublishing(pub, () => losses?.toOthers());
  }, PING_EVERY_MS).unref();
  return {
    adapter: createShardedAdapter(pub, sub, { channelPrefix: CHANNEL_PREFIX, subscriptionMode: "dynamic-private" }),
    close() {
      clearInterval(watch);
      pub.disconnect();
      sub.disconnect();
    },
  };
}

/** One line when the gateways are parted, one when they are joined again. */
function tellOfOutages(client: Redis, logger: Logger): void {
  let isTold = false;
  client.on("error", (error: Error) => {
    if (!isTold) logger.warn("The gateways are not joined: Redis cannot be reached", error);
    isTold = true;
  });
  client.on("ready", () => {
    if (isTold) logger.info("The gateways are joined again");
    isTold = false;
  });
}

/** A connection that stays open and says nothing would never be missed. */
async function renewWhenSilent(client: Redis): Promise<void> {
  if (client.status !== "ready") return;
  const { promise: silence, resolve } = Promise.withResolvers<"silent">();
  const timer = setTimeout(() => resolve("silent"), PUBLISH_TIMEOUT_MS);
  const answer = await Promise.race([client.ping().catch(() => "silent"), silence]);
  clearTimeout(timer);
  if (answer === "silent" && client.status === "ready") client.disconnect(true);
}

/** Subscriptions are written again before the client says that it is ready, so they stand when this is answered. */
async function whenSubscribed(sub: Redis, then: () => void): Promise<void> {
  try {
    await sub.ping();
  } catch {
    return; // the next connection says so
  }
  then();
}

async function whenPublishing(pub: Publisher, then: () => void): Promise<void> {
  pub.hasLost = false;
  try {
    await pub.ping();
  } catch {
    pub.hasLost = true;
    return;
  }
  then();
}
