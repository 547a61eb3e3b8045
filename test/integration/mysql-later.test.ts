import { runOnMysql } from "../support/on-mysql.ts";

/** What is done with messages later: they are erased, sent when they are due, and burn. */
await runOnMysql([
  "integration/erasure",
  "integration/erasure-in-flight",
  "integration/scheduled-messages",
  "integration/burn-after-reading",
  "integration/burn-timers",
]);
