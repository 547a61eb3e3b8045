import { ServiceBroker } from "moleculer";
import { buildConfig } from "../../../config/env.ts";
import type { Config } from "../../../config/config.ts";
import { call } from "../../../lib/service.ts";
import { acquireInto } from "../../../mixins/acquire.ts";
import { sharedDatabase, type Database } from "../../../mixins/database/index.ts";
import { sharedHotStore, type HotStore } from "../../../mixins/hot-store/index.ts";
import { sharedMessageLog, type MessageLog } from "../../../mixins/message-log/index.ts";
import { brokerOptions } from "../../../moleculer.config.ts";

/** A node of the cluster in this process that runs no service: through it the suite sees what the services work on. */
export interface Observer extends AsyncDisposable {
  readonly sql: Database;
  readonly hot: HotStore;
  readonly log: MessageLog;
  /** Hands out dead letters again, all of them. */
  redrive(): Promise<void>;
}

const PAGE = 100;

/** @throws when the cluster cannot be joined */
export async function startObserver(config: Partial<Config>): Promise<Observer> {
  const options = brokerOptions(buildConfig({ ...config, nodeId: "observer", port: 0, metricsPort: 0, logLevel: "fatal" }));
  const broker = new ServiceBroker({ ...options, logger: false });
  await using resources = new AsyncDisposableStack();
  await broker.start();
  resources.defer(() => broker.stop());
  const acquire = acquireInto(resources, broker);
  const [sql, hot, { log }] = [await acquire(sharedDatabase), await acquire(sharedHotStore), await acquire(sharedMessageLog)];
  const held = resources.move();
  return {
    sql,
    hot,
    log,
    async redrive() {
      for (let cursor: string | undefined; ;) {
        const page = await call(broker, "persister.redrive", { limit: PAGE, ...(cursor !== undefined && { cursor }) });
        if (page.nextCursor === undefined) return;
        cursor = page.nextCursor;
      }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
