import { runOnMysql } from "../support/on-mysql.ts";

/** Accounts, friends and groups, what they tell each other, and the ids of all. */
await runOnMysql([
  "integration/auth-sign-in",
  "integration/settings",
  "integration/friend-requests",
  "integration/group-joining",
  "integration/notification-kept",
  "integration/broadcast",
  "integration/outbox",
  "integration/ids",
  "e2e/security-removed",
]);
