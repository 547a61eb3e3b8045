import { join } from "node:path";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { migrations } from "../../migrations/index.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { traceDatabase } from "../tracing/index.ts";
import { migrateUp } from "./migrate.ts";
import type { Database } from "./port.ts";
import { openSqlite, type SqliteLogger } from "./sqlite.ts";

export type { Database, Row, SqlParams, SqlValue, Tx } from "./port.ts";

/** Opens the database that the configuration asks for, its schema as it was left. */
export async function openDatabase(config: Config, logger: SqliteLogger): Promise<Database> {
  const { mysqlUrl, mysqlReplicaUrl, mysqlSsl, mysqlPoolSize, dataDir } = config;
  if (mysqlUrl === null) return openSqlite({ file: join(dataDir, "im.sqlite"), logger });
  const { openMysql } = await import("./mysql.ts"); // its library costs 60 ms of every start
  return openMysql({ url: mysqlUrl, replicaUrl: mysqlReplicaUrl, ssl: mysqlSsl, poolSize: mysqlPoolSize, logger });
}

/** The node's one database, its schema up to date. */
export const sharedDatabase = sharedPerBroker<Database>(openMigrated, (db) => db.close(), {
  part: "database",
  ping: (db) => db.ping(),
  isRemote: ({ mysqlUrl }) => mysqlUrl !== null,
});

async function openMigrated(broker: ServiceBroker, config: Config): Promise<Database> {
  const logger = broker.getLogger("database");
  const db = await openDatabase(config, logger);
  try {
    const applied = await migrateUp(db, migrations);
    if (applied.length > 0) logger.info(`Applied ${applied.length} migrations, the last one ${applied.at(-1)}`);
    return config.otlpUrl === null ? db : traceDatabase(db, broker);
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** What `withDatabase()` puts on `this`. */
export interface DatabaseVars {
  readonly sql: Database;
}

/**
 * Gives a service the node's database as `this.sql`, from before its own `started()` until after its own `stopped()`.
 * The first service opens it and applies pending migrations, the last one closes it.
 */
export function withDatabase(): Partial<ServiceSchema> {
  return mixinOf("sql", sharedDatabase);
}
