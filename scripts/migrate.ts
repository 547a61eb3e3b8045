/** Moves the database's schema: `node scripts/migrate.ts up|down|status [--to <name>]`, `down --to 0` reverts everything. */
import { parseArgs } from "node:util";
import { loadConfig } from "../config/env.ts";
import { migrations } from "../migrations/index.ts";
import { openDatabase } from "../mixins/database/index.ts";
import { migrateDown, migrateUp, migrationStatus } from "../mixins/database/migrate.ts";
import type { Database } from "../mixins/database/port.ts";

const USAGE = "Usage: node scripts/migrate.ts up|down|status [--to <name>]";

async function run(db: Database, command: string, to: string | undefined): Promise<string[]> {
  if (command === "up") return (await migrateUp(db, migrations, { to })).map((name) => `applied ${name}`);
  if (command === "down")
    return (await migrateDown(db, migrations, { to: to === "0" ? 0 : to })).map((name) => `reverted ${name}`);
  const status = await migrationStatus(db, migrations);
  return status.map(({ name, appliedAt }) => `${appliedAt === null ? "pending" : new Date(appliedAt).toISOString()} ${name}`);
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { to: { type: "string" } } });
const [command = ""] = positionals;
if (!["up", "down", "status"].includes(command) || positionals.length > 1) {
  console.error(USAGE);
  process.exit(2);
}

try {
  const db = await openDatabase(loadConfig(), console);
  try {
    const lines = await run(db, command, values.to);
    console.log(lines.length > 0 ? lines.join("\n") : "Nothing to do.");
  } finally {
    await db.close();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
