import type { MigrationContext } from "../mixins/database/migrate.ts";
import { clustered, dropTables, runAll } from "./ddl.ts";

const tables = ["outbox", "consumed_event", "dead_event", "id_mark", "turn", "replica_mark"];

const event = `event_id varchar(64) not null, subject varchar(96) not null, event_key varchar(96) not null, payload mediumtext not null,
  at bigint not null, request_id varchar(255)`;

/**
 * Durable events: still to be relayed, done by a consumer, given up. The turns of transactions, and the time up to which each
 * worker may make ids.
 */
export async function up(db: MigrationContext): Promise<void> {
  const { end } = clustered(db);
  // A table with a counted key has its rows in that order anyway, and SQLite counts only in tables with a rowid.
  const position =
    db.dialect === "sqlite" ? "position integer primary key autoincrement" : "position bigint auto_increment primary key";
  const counted = db.dialect === "sqlite" ? "" : end;
  await runAll(db, [
    `create table outbox (${position}, ${event}, relayed_at bigint)${counted}`,
    `create unique index outbox_event on outbox (event_id)`,
    `create index outbox_relayed on outbox (relayed_at, position)`,
    `create table consumed_event (consumer varchar(64) not null, event_id varchar(64) not null, at bigint not null, primary key (consumer, event_id))${end}`,
    `create index consumed_event_at on consumed_event (at)`,
    `create table dead_event (${position}, consumer varchar(64) not null, ${event}, reason mediumtext not null, dead_at bigint not null)${counted}`,
    `create unique index dead_event_consumer on dead_event (consumer, event_id)`,
    // Rows that stand for nothing but their lock.
    `create table turn (slot integer not null primary key)${end}`,
    // One row that counts up, by which a read replica of MySQL shows how far it has got.
    `create table replica_mark (id integer not null primary key, mark bigint not null)${end}`,
    `create table id_mark (worker_id integer not null primary key, until_ms bigint not null, owner varchar(64) not null)${end}`,
  ]);
}

export async function down(db: MigrationContext): Promise<void> {
  await dropTables(db, tables);
}
