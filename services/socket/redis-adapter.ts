import { createShardedAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";

/** A publish that Redis does not answer in this time is given up: clients learn of what they miss when they sync. */
const PUBLISH_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_PAUSE_MS = 2_000;
const CHANNEL_PREFIX = "im:push";

interface Logger {
  warn(...parts: unknown[]): void;
}

/** What joins the gateways of a cluster: an event for a room reaches its members on all of them. */
export interface GatewayAdapter {
  readonly adapter: ReturnType<typeof createShardedAdapter>;
  close(): void;
}

/**
 * Gateways joined through Redis (7 or later), each room on a channel of its own that only gateways with members of it listen to.
 * Subscriptions are made again after an outage. `dynamic-private`, since the mode `dynamic` takes every room of 20 characters
 * for the id of a connection and sends its events to all gateways: `u:` with a user id has 20.
 */
export function openGatewayAdapter(redisUrl: string, logger: Logger): GatewayAdapter {
  const common = {
    retryStrategy: (times: number) => Math.min(50 * 2 ** times, MAX_RECONNECT_PAUSE_MS),
    autoResendUnfinishedCommands: false,
  };
  const pub = new Redis(redisUrl, {
    ...common,
    commandTimeout: PUBLISH_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectionName: "im-push-pub",
  });
  const sub = new Redis(redisUrl, { ...common, maxRetriesPerRequest: null, connectionName: "im-push-sub" });
  for (const client of [pub, sub]) client.on("error", (error) => logger.warn("The gateways are not joined by Redis", error));
  return {
    adapter: createShardedAdapter(pub, sub, { channelPrefix: CHANNEL_PREFIX, subscriptionMode: "dynamic-private" }),
    close() {
      pub.disconnect();
      sub.disconnect();
    },
  };
}
