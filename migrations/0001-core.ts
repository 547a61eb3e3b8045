import type { MigrationContext } from "../mixins/database/migrate.ts";
import { clustered, dropTables, partitionedBy, runAll } from "./ddl.ts";

const tables = [
  "user",
  "user_setting",
  "session",
  "refresh_token",
  "roster_version",
  "friendship",
  "friend_request",
  "block_list",
  "allow_list",
  "im_group",
  "group_member",
  "group_invitation",
  "group_join_request",
  "group_invite_link",
  "conversation_member",
  "conversation_seq",
  "message",
  "message_edit",
  "message_hidden",
  "reaction",
  "message_pin",
  "favorite",
  "notification",
  "dead_letter",
  "erased_sender",
];

/** Ids are BIGINT, times epoch milliseconds, booleans 0 or 1; JSON stands as text. */
export async function up(db: MigrationContext): Promise<void> {
  const { end } = clustered(db);
  await runAll(db, [
    `create table user (
      user_id bigint not null primary key, username varchar(32) not null, username_key varchar(32) not null, password_hash varchar(100) not null,
      nickname varchar(64) not null, avatar varchar(512) not null, signature varchar(200) not null, gender varchar(8) not null, region varchar(64) not null,
      phone varchar(32), email varchar(254), status varchar(10) not null, created_at bigint not null, updated_at bigint not null)${end}`,
    `create unique index user_username on user (username_key)`,
    `create unique index user_phone on user (phone)`,
    `create unique index user_email on user (email)`,

    `create table user_setting (
      user_id bigint not null primary key, who_may_add_me varchar(10) not null, searchable tinyint not null, show_read_receipts tinyint not null,
      show_presence tinyint not null, dnd varchar(200), language varchar(5) not null)${end}`,

    `create table session (
      session_id bigint not null primary key, user_id bigint not null, device_id varchar(64) not null, device_type varchar(10) not null,
      device_name varchar(64) not null, created_at bigint not null, last_seen_at bigint not null, expires_at bigint not null, ended_at bigint,
      end_reason varchar(20))${end}`,
    `create index session_user on session (user_id, ended_at)`,
    `create index session_ended on session (ended_at)`,
    `create index session_expires on session (expires_at)`,
    `create table refresh_token (
      token_hash varchar(64) not null primary key, session_id bigint not null, created_at bigint not null, expires_at bigint not null, used_at bigint)${end}`,
    `create index refresh_token_session on refresh_token (session_id)`,
    `create index refresh_token_expires on refresh_token (expires_at)`,

    `create table roster_version (user_id bigint not null, list varchar(16) not null, version bigint not null, primary key (user_id, list))${end}`,
    `create table friendship (
      user_id bigint not null, friend_id bigint not null, remark varchar(64) not null, muted tinyint not null, tags text not null,
      since bigint not null, deleted_at bigint, version bigint not null, primary key (user_id, friend_id))${end}`,
    `create index friendship_version on friendship (user_id, version)`,
    `create table friend_request (
      request_id bigint not null primary key, from_user_id bigint not null, to_user_id bigint not null, message varchar(200) not null,
      status varchar(10) not null, pending_key varchar(41), created_at bigint not null, handled_at bigint)${end}`,
    `create unique index friend_request_pending on friend_request (pending_key)`,
    `create index friend_request_from on friend_request (from_user_id, request_id)`,
    `create index friend_request_to on friend_request (to_user_id, request_id)`,
    `create table block_list (user_id bigint not null, peer_id bigint not null, since bigint not null, primary key (user_id, peer_id))${end}`,
    `create index block_list_peer on block_list (peer_id)`,
    `create table allow_list (user_id bigint not null, peer_id bigint not null, since bigint not null, primary key (user_id, peer_id))${end}`,
    `create index allow_list_peer on allow_list (peer_id)`,

    `create table im_group (
      group_id bigint not null primary key, name varchar(64) not null, avatar varchar(512) not null, announcement text not null,
      owner_id bigint not null, member_count integer not null, max_members integer not null, join_mode varchar(10) not null,
      history_visible tinyint not null, member_invite tinyint not null, mention_all_by varchar(10), all_muted tinyint not null, dissolved_at bigint, version bigint not null,
      created_at bigint not null)${end}`,
    `create index im_group_owner on im_group (owner_id)`,
    `create table group_member (
      group_id bigint not null, user_id bigint not null, role integer not null, nickname varchar(64) not null, muted_until bigint,
      joined_at bigint not null, left_at bigint, version bigint not null, primary key (group_id, user_id))${end}`,
    `create index group_member_user on group_member (user_id, version)`,
    `create index group_member_role on group_member (group_id, left_at, role, user_id)`,
    `create table group_invitation (
      invitation_id bigint not null primary key, group_id bigint not null, inviter_id bigint not null, invitee_id bigint not null,
      status varchar(10) not null, pending_key varchar(41), created_at bigint not null, expires_at bigint not null, handled_at bigint)${end}`,
    `create unique index group_invitation_pending on group_invitation (pending_key)`,
    `create index group_invitation_invitee on group_invitation (invitee_id, invitation_id)`,
    `create index group_invitation_inviter on group_invitation (inviter_id, group_id)`,
    `create table group_join_request (
      request_id bigint not null primary key, group_id bigint not null, user_id bigint not null, message varchar(200) not null,
      status varchar(10) not null, pending_key varchar(41), created_at bigint not null, handled_at bigint, handled_by bigint)${end}`,
    `create unique index group_join_request_pending on group_join_request (pending_key)`,
    `create index group_join_request_group on group_join_request (group_id, request_id)`,
    `create index group_join_request_user on group_join_request (user_id)`,
    `create table group_invite_link (
      invite_code varchar(64) not null primary key, group_id bigint not null, creator_id bigint not null, expires_at bigint,
      max_uses integer, uses integer not null, created_at bigint not null)${end}`,
    `create index group_invite_link_creator on group_invite_link (creator_id, group_id)`,

    // One row for each (user, conversation). Bounds: what the user may see; cursors: how far they got, and how far others may
    // know that they have read (shown) and have got (told); since_seq: the system message of the last joining or leaving, so that
    // an older one that comes again changes nothing.
    `create table conversation_member (
      user_id bigint not null, conversation_id varchar(48) not null, active tinyint not null, min_seq bigint not null, max_seq bigint,
      read_seq bigint not null, read_at bigint not null, shown_seq bigint not null, shown_at bigint not null, delivered_seq bigint not null,
      delivered_at bigint not null, pinned tinyint not null, muted tinyint not null, hidden_seq bigint, draft text not null,
      since_seq bigint not null, version bigint not null, created_at bigint not null, told_seq bigint not null default 0,
      primary key (user_id, conversation_id))${end}`,
    `create index conversation_member_conversation on conversation_member (conversation_id, user_id)`,
    // Who cannot see a message is asked whenever one is changed or quoted, also in a group of thousands.
    `create index conversation_member_bounds on conversation_member (conversation_id, active, min_seq)`,

    // How far the seqs of a conversation are reserved for a hot store that can lose its counter; epoch: how often it did, from 1;
    // stable: all at or below was in the log when it was reserved last.
    `create table conversation_seq (
      conversation_id varchar(48) not null primary key, epoch integer not null, reserved bigint not null, stable bigint not null,
      reserved_at bigint not null)${end}`,

    `create table message (
      conversation_id varchar(48) not null, seq bigint not null, message_id bigint not null, sender_id bigint not null,
      client_msg_id varchar(64) not null, type varchar(16) not null, content mediumtext not null, reply_to text, mentions text,
      body_hash varchar(22) not null, created_at bigint not null, persisted_at bigint not null, version integer not null, edited_at bigint, recalled_at bigint,
      thread_id bigint, burn_after_ms integer,
      primary key (conversation_id, seq))${end}${partitionedBy(db, "conversation_id")}`,
    `create unique index message_client on message (conversation_id, sender_id, client_msg_id)`,
    `create index message_id on message (message_id)`,
    // What counts in a thread is read from the index alone. MySQL has no partial one.
    `create index message_thread on message (conversation_id, thread_id, seq, recalled_at, created_at)${db.dialect === "sqlite" ? " where thread_id is not null" : ""}`,
    // Forwards hold the words of others, who may be erased. MySQL has no partial index, and reads the table beside its other work.
    ...(db.dialect === "sqlite" ? [`create index message_forward on message (conversation_id, seq) where type = 'forward'`] : []),
    `create table message_edit (
      conversation_id varchar(48) not null, seq bigint not null, version integer not null, content text not null, edited_at bigint not null,
      primary key (conversation_id, seq, version))${end}`,
    `create table message_hidden (
      user_id bigint not null, conversation_id varchar(48) not null, seq bigint not null, primary key (user_id, conversation_id, seq))${end}`,
    `create table reaction (
      conversation_id varchar(48) not null, seq bigint not null, emoji varchar(32) not null, user_id bigint not null, created_at bigint not null,
      primary key (conversation_id, seq, emoji, user_id))${end}`,
    `create index reaction_user on reaction (user_id)`,
    `create table message_pin (
      conversation_id varchar(48) not null, seq bigint not null, pinned_by bigint not null, pinned_at bigint not null,
      primary key (conversation_id, seq))${end}`,
    // What a message said when a user kept it. It stands by itself: whatever becomes of the user's rights, until a recall.
    `create table favorite (
      favorite_id bigint not null primary key, user_id bigint not null, conversation_id varchar(48) not null, seq bigint not null,
      message_id bigint not null, sender_id bigint not null, type varchar(16) not null, content mediumtext not null, sent_at bigint not null,
      recalled_at bigint, created_at bigint not null)${end}`,
    `create unique index favorite_message on favorite (conversation_id, seq, user_id)`,
    `create index favorite_user on favorite (user_id, favorite_id)`,
    `create index favorite_type on favorite (type, favorite_id)`,

    `create table notification (
      notification_id bigint not null primary key, user_id bigint not null, event_id varchar(64) not null, type varchar(64) not null,
      data text not null, read_at bigint, created_at bigint not null)${end}`,
    `create unique index notification_event on notification (user_id, event_id)`,
    `create index notification_user on notification (user_id, notification_id)`,
    `create index notification_unread on notification (user_id, read_at)`,

    // Records of the message log that could never be written.
    `create table dead_letter (message_id bigint not null primary key, record mediumtext not null, reason varchar(500) not null, at bigint not null)${end}`,
    `create index dead_letter_at on dead_letter (at, message_id)`,

    // Of whom no words are written any more. The rows stay for ever: a record may come again on any day.
    `create table erased_sender (user_id bigint not null primary key, erased_at bigint not null)${end}`,
  ]);
}

export async function down(db: MigrationContext): Promise<void> {
  await dropTables(db, tables);
}
