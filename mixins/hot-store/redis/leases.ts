import { leaseKey } from "../../../config/redis-keys.ts";
import type { HotLeases } from "../port.ts";
import { luaScript } from "./client.ts";
import type { RedisClient } from "./client.ts";

const ACQUIRE = luaScript("lease-acquire");
const RENEW = luaScript("lease-renew");

/**
 * Leases by the clock of Redis. Tokens are never smaller than the time of day, so that they grow when Redis lost them too, as long
 * as the clock of the new server is not behind the time at which the last lease was given.
 */
export function redisLeases(client: RedisClient): HotLeases {
  return {
    async acquire(name, holder, ttlMs) {
      const token = (await client.run(ACQUIRE, [leaseKey(name)], [holder, ttlMs])) as number | null;
      return token === null ? null : { name, token };
    },
    async renew({ name, token }, holder, ttlMs) {
      return (await client.run(RENEW, [leaseKey(name)], [holder, token, ttlMs])) === 1;
    },
    async release({ name, token }, holder) {
      await client.run(RENEW, [leaseKey(name)], [holder, token, 0]);
    },
  };
}
