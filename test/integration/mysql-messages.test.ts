import { runOnMysql } from "../support/on-mysql.ts";

/** What relies most on the database: keys, orders, conditions of writes, and what happens at one time. */
await runOnMysql([
  "integration/persister-batch",
  "integration/message-send-once",
  "integration/message-change",
  "integration/races",
  "integration/conversation-cursors",
  "integration/receipts",
  "integration/badge",
  "integration/change-log",
  "integration/message-changes-recorded",
  "integration/conversation-versions",
  "integration/live-several",
  "integration/sync",
  "integration/sync-changes",
  "integration/erasure",
  "integration/erasure-in-flight",
  "integration/scheduled-messages",
  "integration/burn-after-reading",
  "integration/burn-timers",
  "integration/message-threads",
  "integration/message-pins",
  "integration/favorites",
  "e2e/wire-contract-messages",
]);
