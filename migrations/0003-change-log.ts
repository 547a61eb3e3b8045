import type { MigrationContext } from "../mixins/database/migrate.ts";
import { clustered, dropTables, runAll } from "./ddl.ts";

const tables = ["change_log", "change_head"];

/**
 * What happened to messages that stand already, in the order of its commits, and the one row that gives the positions: all in
 * (floor, head] is there. A user is named where nobody else is concerned.
 */
export async function up(db: MigrationContext): Promise<void> {
  const { end } = clustered(db);
  await runAll(db, [
    `create table change_log (
      position bigint not null primary key, type varchar(10) not null, conversation_id varchar(48) not null, seq bigint not null,
      message_id bigint not null, user_id bigint, at bigint not null)${end}`,
    `create index change_log_conversation on change_log (conversation_id, position)`,
    `create table change_head (id integer not null primary key, head bigint not null, floor bigint not null)${end}`,
  ]);
}

export async function down(db: MigrationContext): Promise<void> {
  await dropTables(db, tables);
}
