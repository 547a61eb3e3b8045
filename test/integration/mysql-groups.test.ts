import { runOnMysql } from "../support/on-mysql.ts";

/** Where the database has most to do for a group: thousands of members, and many who come and go. */
await runOnMysql(["integration/group-noise", "integration/group-of-5000", "integration/group-mention-all"]);
