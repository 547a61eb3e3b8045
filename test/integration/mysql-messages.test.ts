import { runOnMysql } from "../support/on-mysql.ts";

/** What relies most on the database: keys, orders, conditions of writes, and what happens at one time. */
await runOnMysql([
  "integration/persister-batch",
  "integration/message-send-once",
  "integration/message-change",
  "integration/races",
  "integration/message-threads",
  "integration/message-pins",
  "integration/favorites",
  "e2e/wire-contract-messages",
]);
