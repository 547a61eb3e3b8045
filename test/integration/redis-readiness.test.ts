import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import { buildConfig } from "../../config/env.ts";
import { readinessOf } from "../../mixins/health/index.ts";
import { withHotStore } from "../../mixins/hot-store/index.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import type { LogEntry } from "../../runtime/log-entry.ts";
import { ownRedis } from "../support/redis.ts";
import { reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");

describe("a node that is configured for Redis", { skip }, () => {
  it("starts once Redis is there, and is ready as long as Redis takes writes", async () => {
    await using redis = await ownRedis();
    await redis.server.kill();
    const lines: string[] = [];
    const config = buildConfig({ metricsPort: 0, logLevel: "warn", redisUrl: redis.url });
    const broker = new ServiceBroker(brokerOptions(config, ({ msg }: LogEntry) => void lines.push(msg)));
    broker.createService({ name: "user-of-it", mixins: [withHotStore()] });
    const isUp = async (): Promise<boolean> => (await readinessOf(broker)).parts["hotStore"] === "up";

    const started = broker.start();
    await waitFor(() => lines.length > 0);
    assert.match(lines[0]!, new RegExp(`^The hotStore cannot be reached.*${new URL(redis.url).host}`));
    assert.equal((await readinessOf(broker)).ready, false);
    await redis.server.restart();
    await started;
    assert.equal((await readinessOf(broker)).ready, true);

    await redis.command("REPLICAOF", "127.0.0.1", "1");
    await waitFor(async () => !(await isUp()));
    await redis.command("REPLICAOF", "NO", "ONE");
    await waitFor(isUp, "Redis to be writable");
    await redis.server.pause();
    assert.equal(await isUp(), false);
    await redis.server.resume();
    await waitFor(isUp, "Redis to answer", 10_000);
    await broker.stop();
  });
});
