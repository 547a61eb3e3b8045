import type { MigrationContext } from "../mixins/database/migrate.ts";
import { clustered, dropTables, runAll } from "./ddl.ts";

const tables = ["scheduled_message", "burn_timer"];

/** What waits for its time. `due_at`: when the scheduler looks at a row next; null: there is nothing to do. */
export async function up(db: MigrationContext): Promise<void> {
  const { end } = clustered(db);
  await runAll(db, [
    // request_hash: of what was first asked for; token: of the lease under which it was taken; unknown_at: when it was last
    // handed to sending without an answer that says what became of it.
    `create table scheduled_message (
      scheduled_id bigint not null primary key, user_id bigint not null, conversation_id varchar(48) not null, client_msg_id varchar(64) not null,
      request_hash varchar(22) not null, type varchar(16) not null, content mediumtext not null, reply_to bigint, mentions text,
      send_at bigint not null, state varchar(10) not null, due_at bigint, token bigint not null, tries integer not null, unknown_at bigint,
      failure varchar(64), message_id bigint, seq bigint, sent_at bigint, created_at bigint not null, ended_at bigint)${end}`,
    `create unique index scheduled_message_client on scheduled_message (conversation_id, user_id, client_msg_id)`,
    `create index scheduled_message_due on scheduled_message (due_at)`,
    `create index scheduled_message_user on scheduled_message (user_id, state, send_at)`,
    `create index scheduled_message_late on scheduled_message (state, send_at)`,
    `create index scheduled_message_ended on scheduled_message (ended_at)`,

    // Messages that burn after reading, from the moment they are stored until they burn or are recalled; burns_at: once read;
    // is_shown: the sender may know that.
    `create table burn_timer (
      conversation_id varchar(48) not null, seq bigint not null, message_id bigint not null, reader_id bigint not null,
      burn_after_ms integer not null, burns_at bigint, is_shown tinyint not null, due_at bigint, primary key (conversation_id, seq))${end}`,
    `create index burn_timer_due on burn_timer (due_at)`,
    `create index burn_timer_late on burn_timer (burns_at)`,
  ]);
}

export async function down(db: MigrationContext): Promise<void> {
  await dropTables(db, tables);
}
