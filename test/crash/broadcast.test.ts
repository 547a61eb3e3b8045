import assert from "node:assert/strict";
import { test } from "node:test";
import { buildConfig } from "../../config/env.ts";
import { openDatabase, type Database } from "../../mixins/database/index.ts";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { migrations } from "../../migrations/index.ts";
import { addUsers, assertToldOnce } from "../support/broadcast-nodes.ts";
import { silent } from "../support/database.ts";
import { storageOf } from "../support/profile.ts";
import { startServer, temporaryFolder, type RunningServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

const USERS = 12_000;
const KILLS = 3;
const MINUTE_MS = 60_000;

async function withDatabase<T>(dataDir: string, work: (sql: Database) => Promise<T>): Promise<T> {
  const sql = await openDatabase(buildConfig({ dataDir, ...(await storageOf(dataDir)) }), silent);
  try {
    return await work(sql);
  } finally {
    await sql.close();
  }
}

/** How many users have been looked at, as the console of a server says; its prompt is there. */
async function progressOf({ child, written }: RunningServer): Promise<{ state: string; done: number }> {
  const before = written.out.length;
  child.stdin.write("im broadcasts\n");
  const [, state = "", done = ""] = await waitFor(
    () => written.out.slice(before).match(/\d{15,} +(\w+) +(\d+) +\d+ +\d+ .*\n/),
    "the progress",
  );
  return { state, done: Number(done) };
}

test(
  "a broadcast goes on after each kill -9 of its server, and nobody is told twice or left out",
  { timeout: 240_000 },
  async () => {
    await using folder = await temporaryFolder();
    const users = await withDatabase(folder.path, async (sql) => {
      await migrateUp(sql, migrations);
      return addUsers(sql, 1, USERS);
    });
    const start = async (): Promise<RunningServer> => {
      const server = await startServer({ IM_DATA_DIR: folder.path, HOME: folder.path }, ["--repl"]);
      await waitFor(() => server.written.out.includes("im $"), "the prompt");
      return server;
    };
    let server = await start();
    server.child.stdin.write('im broadcast "The server rests tonight."\n');
    await waitFor(() => server.written.out.includes(`to ${USERS} users has begun`), "the broadcast to begin");
    let done = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const wanted = done + 1_000;
      const reached = await waitFor(
        async () => {
          const progress = await progressOf(server);
          return progress.done >= wanted ? progress : null;
        },
        `${wanted} users`,
        MINUTE_MS,
      );
      await server[Symbol.asyncDispose]();
      if (kill === 0) assert.equal(reached.state, "running", "killed in the middle");
      done = reached.done;
      server = await start();
      if (reached.state === "done") break; // too fast a machine for one more kill
    }
    await waitFor(async () => (await progressOf(server)).state === "done", "the end of the broadcast", MINUTE_MS);
    await server[Symbol.asyncDispose]();
    await withDatabase(folder.path, (sql) => assertToldOnce(sql, users));
  },
);
