import type { MigrationContext } from "../mixins/database/migrate.ts";
import { clustered, dropTables, runAll } from "./ddl.ts";

const tables = ["notification_gone", "broadcast"];

export async function up(db: MigrationContext): Promise<void> {
  const { end } = clustered(db);
  await runAll(db, [
    // Who gets no notification any more. The rows stay for ever: an event may come again on any day.
    `create table notification_gone (user_id bigint not null primary key, gone_at bigint not null)${end}`,
    // recipients: JSON array of user ids, ascending, where the broadcast is for chosen users; position: the last user who was
    // looked at.
    `create table broadcast (
      broadcast_id bigint not null primary key, text text not null, data text not null, filter text not null, recipients mediumtext,
      state varchar(10) not null, total bigint not null, done bigint not null, told bigint not null, position bigint not null,
      created_at bigint not null, finished_at bigint)${end}`,
    `create index broadcast_state on broadcast (state, broadcast_id)`,
  ]);
}

export async function down(db: MigrationContext): Promise<void> {
  await dropTables(db, tables);
}
