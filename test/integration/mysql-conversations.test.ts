import { runOnMysql } from "../support/on-mysql.ts";

/** What people have read, what is unread, and what changed since a client was there. */
await runOnMysql([
  "integration/conversation-cursors",
  "integration/receipts",
  "integration/badge",
  "integration/change-log",
  "integration/message-changes-recorded",
  "integration/conversation-versions",
  "integration/live-several",
  "integration/sync",
  "integration/sync-changes",
]);
