import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findCommand, runCommand, versionIn } from "./commands.ts";
import { portOf } from "./kind.ts";
import type { Place, ServerKind } from "./kind.ts";

const PROBE_TIMEOUT_MS = 2_000;

const dataFolder = ({ folder }: Place): string => join(folder, "data");

/** The hot store: an append-only file, synced each second, and nothing is evicted. */
export const redis: ServerKind = {
  name: "redis",
  setting: "IM_REDIS_URL",
  portCount: 1,
  advice: "put redis-server on PATH (Debian: redis-server, Homebrew: redis)",

  async find() {
    const file = await findCommand("redis-server", "valkey-server");
    if (file === null) return null;
    return { file, version: `Redis ${versionIn(await runCommand(file, ["--version"]))}`, from: file };
  },

  async missingPackages() {
    return (await findCommand("redis-server", "valkey-server")) === null ? ["redis-server"] : [];
  },

  async prepare(_program, place) {
    await mkdir(dataFolder(place), { recursive: true, mode: 0o700 });
  },

  args: (_program, place) => [
    ...["--bind", "127.0.0.1", "--port", String(portOf(place)), "--dir", dataFolder(place), "--daemonize", "no"],
    ...["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"],
  ],

  url: (place) => `redis://127.0.0.1:${portOf(place)}/0`,

  async isReady(place) {
    const { Redis } = await import("ioredis");
    const client = new Redis({
      ...{ host: "127.0.0.1", port: portOf(place), lazyConnect: true, retryStrategy: () => null },
      ...{ connectTimeout: PROBE_TIMEOUT_MS, commandTimeout: PROBE_TIMEOUT_MS, maxRetriesPerRequest: 0 },
    });
    client.on("error", () => undefined); // the promises say it too
    try {
      await client.connect();
      return (await client.ping()) === "PONG";
    } catch {
      return false;
    } finally {
      client.disconnect();
    }
  },
};
