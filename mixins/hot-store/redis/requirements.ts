import type { OutageLogger } from "./outage.ts";

const MIN_MAJOR = 7;

/**
 * What `INFO` says of the server, checked. Refused, since seqs, pending messages and ended sessions would be lost in silence: a
 * server older than 7.0, one that may evict keys when its memory is full, a node of a Redis Cluster. One that keeps nothing on
 * its disk is warned of.
 * @throws Error with the reason in one line
 */
export function refuseUnfit(info: string, place: string, logger: OutageLogger): void {
  const fields = fieldsOf(info);
  const version = fields.get("redis_version") ?? "unknown";
  if (!(Number.parseInt(version, 10) >= MIN_MAJOR))
    throw new Error(`it is version ${version}, and ${MIN_MAJOR}.0 or later is needed`);
  if (fields.get("redis_mode") === "cluster") throw new Error("it is a node of a Redis Cluster, and a single server is needed");
  const policy = fields.get("maxmemory_policy") ?? "noeviction";
  if ((fields.get("maxmemory") ?? "0") !== "0" && policy !== "noeviction")
    throw new Error(`it drops keys when its memory is full (maxmemory-policy ${policy}): set it to noeviction`);
  if (fields.get("aof_enabled") === "0")
    logger.warn(
      `Redis at ${place} runs with appendonly no: when it ends, messages that were not acknowledged yet, presence and counts of limits are lost`,
    );
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split("\r\n").filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
