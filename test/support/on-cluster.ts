import { after } from "node:test";
import type { Config } from "../../config/config.ts";
import { startIm, type Im } from "./im.ts";
import { removeTopics, uniquePrefix } from "./kafka.ts";
import { ownDatabase } from "./mysql.ts";
import { ownServers, reasonToSkip, serversFor } from "./servers.ts";

export interface OnCluster {
  /** For the suites that use it: why there are no such servers, and what to do. */
  readonly skip: string | false;
  /** The whole product in this process on MySQL, Redis and Kafka; Redis and database are its own and end with it. */
  start(): Promise<Im>;
}

/** Call it at the top of a file; the topics of Kafka that its nodes make are removed after the file's tests. */
export async function onCluster(): Promise<OnCluster> {
  const [mysql, kafka] = [await serversFor("mysql"), await serversFor("kafka")];
  const skip = mysql.skip || kafka.skip || (await reasonToSkip("redis"));
  const kafkaTopicPrefix = uniquePrefix();
  if (skip === false) after(() => removeTopics(kafka.url, kafkaTopicPrefix));
  return {
    skip,
    async start() {
      await using started = new AsyncDisposableStack();
      const database = started.use(await ownDatabase(mysql.url));
      const { redis } = started.use(await ownServers("redis"));
      const stores: Partial<Config> = { mysqlUrl: database.url, redisUrl: redis.url };
      const im = started.use(await startIm({ ...stores, kafkaBrokers: [kafka.url], kafkaTopicPrefix }));
      const all = started.move();
      return { ...im, [Symbol.asyncDispose]: () => all.disposeAsync() };
    },
  };
}
