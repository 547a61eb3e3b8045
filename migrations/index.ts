import type { Migration } from "../mixins/database/migrate.ts";
import * as core from "./0001-core.ts";
import * as outbox from "./0002-outbox.ts";
import * as changeLog from "./0003-change-log.ts";
import * as scheduler from "./0004-scheduler.ts";
import * as broadcast from "./0005-broadcast.ts";

/** All migrations, oldest first; a name never changes once released. Imported one by one, so that the built package finds them. */
export const migrations: readonly Migration[] = [
  { name: "0001-core", up: core.up, down: core.down },
  { name: "0002-outbox", up: outbox.up, down: outbox.down },
  { name: "0003-change-log", up: changeLog.up, down: changeLog.down },
  { name: "0004-scheduler", up: scheduler.up, down: scheduler.down },
  { name: "0005-broadcast", up: broadcast.up, down: broadcast.down },
];
